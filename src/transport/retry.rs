//! A call over an idle connection, and its retry if that connection is dead.

use std::sync::Arc;

use super::connector::Connector;
use super::http::{Call, HttpResponse};
use crate::error::{Code, Error};
use crate::log;

impl Connector {
    /// Makes the call over an idle connection, or over a new one if no idle one is usable.
    ///
    /// A server may close an idle connection just when the request is sent. So if the connection is lost before the
    /// first byte of the response, the call is made again, once, over a new connection.
    pub(crate) fn get(&self, call: &Arc<Call>) -> Result<HttpResponse, Error> {
        let Some(connection) = self.pool.take() else {
            return self.get_over_new_connection(call);
        };
        let response = self.exchange(connection, true, call);
        let Err(error) = &response else {
            return response;
        };
        if call.progress().first_byte.is_some() {
            return response;
        }
        match error.code() {
            Code::ConnectionLost => {
                log::emit!(
                    Debug,
                    CLIENT,
                    "the idle connection was dead; retrying on a new one"
                );
                self.get_over_new_connection(call)
            }
            Code::Timeout => {
                // What forgot this connection, such as a firewall, has forgotten all that were idle then. Each of them
                // would cost a timeout.
                self.pool.evict_idle_before(call.deadline().started());
                response
            }
            _ => response,
        }
    }
}
