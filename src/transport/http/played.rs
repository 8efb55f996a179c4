//! A recorded response in place of a connection, for the fuzz targets. All that handles it (ureq, our buffers, the
//! parsing of the response) is the same.

use std::sync::Arc;

use ureq::http::Uri;

use super::{Call, ExchangeBuffers, HttpResponse, Stream, get_over};
use crate::error::Error;
use crate::transport::connection::{Connection, Received};
use crate::transport::errors::{ErrorContext, Failure};
use crate::transport::{Deadline, Peer, Phase};

/// What a server sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many bytes are received at a time.
    pub(crate) piece: usize,
    /// The stream ends with a close_notify.
    pub(crate) ends_properly: bool,
}

/// Makes a call as [`super::get`] does, with the script's response.
pub(crate) fn get(
    uri: &Uri,
    peer: &Arc<Peer>,
    call: &Arc<Call>,
    script: Script<'_>,
) -> Result<HttpResponse, Error> {
    let stream = Played {
        bytes: script.bytes.to_vec(),
        at: 0,
        piece: script.piece.max(1),
        ends_properly: script.ends_properly,
        peer: peer.clone(),
    };
    let buffers = ExchangeBuffers::default();
    get_over(Box::new(stream), buffers, uri, peer, call)
}

struct Played {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    ends_properly: bool,
    peer: Arc<Peer>,
}

impl Stream for Played {
    fn send(&mut self, _: &[u8], _: &Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        phase: Phase,
        deadline: &Deadline,
    ) -> Result<Received, Error> {
        let left = &self.bytes[self.at..];
        let count = left.len().min(self.piece).min(buffer.len());
        if count == 0 {
            return match self.ends_properly {
                true => Ok(Received::End),
                false => Err(self.closed(phase, deadline)),
            };
        }
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(Received::Bytes(count))
    }

    fn closed(&self, phase: Phase, deadline: &Deadline) -> Error {
        ErrorContext::new(&self.peer, phase, deadline).error(Failure::Closed)
    }

    fn into_reusable(self: Box<Self>, _: &mut ExchangeBuffers) -> Option<Box<Connection>> {
        None
    }
}
