//! An answer out of memory in the place of a connection's, for the fuzz targets: what comes after it (ureq, our buffers,
//! the reading of the answer) is the same.

use std::fmt;
use std::sync::Arc;

use ureq::Error as UreqError;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as UreqConnector, NextTimeout, Transport as UreqTransport,
};

use super::{Answer, Call, ExchangeBuffers, MAX_HEAD, OUTPUT_SIZE, get_over, late, wrap};
use crate::error::Error;
use crate::transport::{Connector, Phase};

/// What a server says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many bytes come at a time.
    pub(crate) piece: usize,
    /// The connection ends with a close_notify.
    pub(crate) ends_properly: bool,
}

/// As [`super::get`], with the script's answer.
pub(crate) fn get(
    connector: &Arc<Connector>,
    call: &Arc<Call>,
    script: Script<'_>,
) -> Result<Answer, Error> {
    let played = Played {
        bytes: script.bytes.to_vec(),
        at: 0,
        piece: script.piece.max(1),
        ends_properly: script.ends_properly,
        connector: connector.clone(),
        call: call.clone(),
        buffers: ExchangeBuffers::default(),
    };
    get_over(Player(played), connector, call)
}

#[derive(Debug)]
struct Player(Played);

impl UreqConnector for Player {
    type Out = Played;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Played>, UreqError> {
        let mut buffers = ExchangeBuffers::default();
        buffers.prepare(OUTPUT_SIZE);
        Ok(Some(Played {
            bytes: self.0.bytes.clone(),
            connector: self.0.connector.clone(),
            call: self.0.call.clone(),
            buffers,
            ..self.0
        }))
    }
}

struct Played {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    ends_properly: bool,
    connector: Arc<Connector>,
    call: Arc<Call>,
    buffers: ExchangeBuffers,
}

impl UreqTransport for Played {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), UreqError> {
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, UreqError> {
        let phase = match self.call.progress().first_byte {
            Some(_) => Phase::Receive,
            None => Phase::Await,
        };
        let space = self.buffers.input_append_buf();
        if space.is_empty() {
            return Err(UreqError::LargeResponseHeader(MAX_HEAD, MAX_HEAD));
        }
        let left = &self.bytes[self.at..];
        let count = left.len().min(self.piece).min(space.len());
        if count == 0 {
            let scene = self.connector.scene(phase, self.call.deadline());
            return match self.ends_properly {
                true => Ok(false),
                false => Err(wrap(late(scene.closed(), phase, &self.connector.peer))),
            };
        }
        space[..count].copy_from_slice(&left[..count]);
        self.at += count;
        self.buffers.input_appended(count);
        let mut progress = self.call.lock();
        progress
            .first_byte
            .get_or_insert_with(|| self.call.deadline().elapsed());
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Played({} bytes)", self.bytes.len())
    }
}
