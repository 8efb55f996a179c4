//! The exit codes.

/// How a command ended; [`EXIT_STATUS`](crate::arguments::EXIT_STATUS) explains the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    Failure = 1,
    Usage = 2,
    Warnings = 3,
    Unavailable = 4,
}
