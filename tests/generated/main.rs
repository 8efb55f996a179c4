//! Tests that the files generated from the source are up to date, and writes them on request.
//!
//! A binary of its own, so that `make header` and `make reference` work if another test does not compile.

mod header;
mod options;
mod reference;
