//! What is wrong, why, and how to mend it: before, during and after a call.

mod check;
mod explain;

pub use check::{Check, Severity};
pub(crate) use explain::{Evidence, explain};
