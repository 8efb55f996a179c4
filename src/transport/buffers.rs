//! The buffers of an exchange, which stay with its connection.

use ureq::unversioned::transport::Buffers;

/// The largest header of a response.
pub(super) const MAX_HEAD: usize = 32 * 1024;

/// Holds an ordinary response, header and body, at once. The buffer grows up to [`MAX_HEAD`].
const INPUT_SIZE: usize = 1024;

/// The largest input buffer that an idle connection keeps.
const KEPT_INPUT: usize = 4 * 1024;

/// The buffers that ureq writes the request to and reads the response from.
#[derive(Default)]
pub(crate) struct ExchangeBuffers {
    pub(super) output: Vec<u8>,
    input: Vec<u8>,
    /// The part of `input` that was received and not yet consumed.
    begin: usize,
    end: usize,
    progress: bool,
}

impl ExchangeBuffers {
    /// Prepares them for a call, and discards what the last one left.
    pub(super) fn prepare(&mut self, output_size: usize) {
        self.output.resize(output_size, 0);
        // The buffer of a large response is not kept for as long as the connection.
        if self.input.len() > KEPT_INPUT {
            self.input = Vec::new();
        }
        (self.begin, self.end) = (0, 0);
        self.progress = false;
    }
}

impl Buffers for ExchangeBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.begin..self.end]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        if self.begin > 0 {
            self.input.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        if self.end == self.input.len() && self.input.len() < MAX_HEAD {
            let larger = (2 * self.input.len()).clamp(INPUT_SIZE, MAX_HEAD);
            self.input.resize(larger, 0);
        }
        &mut self.input[self.end..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.end += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.begin += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        // For request bodies. The status call has none, but ureq may still ask.
        self.input
            .resize(self.input.len().max(self.end + INPUT_SIZE), 0);
        (&mut self.input[self.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.begin < self.end && self.progress
    }
}
