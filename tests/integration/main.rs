//! The tests that share one process: `cargo test --test integration rate_limiting` runs those of one module.
//!
//! A test belongs here unless it changes what the whole process shares, such as the log or a signal handler. Those that
//! do are the files beside this folder. See tests/README.md for the map.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/memory.rs"]
mod memory;

mod certificate_errors;
mod connection_errors;
mod cut_at_every_byte;
mod files;
mod hostile;
mod hostile_tls;
mod keep_alive;
mod odd_responses;
mod proxy;
mod rate_limiting;
mod reload;
mod status;
mod timeouts;

// `make test-windows` runs the modules above as Windows programs. The rest starts openssl, a C compiler, valgrind or a
// browser, or tests what only Linux has.
#[cfg(unix)]
mod abi_compat;
#[cfg(unix)]
mod c_abi;
#[cfg(unix)]
mod diagnose;
#[cfg(unix)]
mod fork;
#[cfg(unix)]
mod formats;
#[cfg(unix)]
mod host_process;
#[cfg(unix)]
mod hostile_certificates;
#[cfg(unix)]
mod html_report;
#[cfg(unix)]
mod instructions;
#[cfg(unix)]
mod key_export;
#[cfg(unix)]
mod leaks;
#[cfg(unix)]
mod loader_properties;
#[cfg(all(unix, feature = "panic-test"))]
mod panics;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod server_paths;
#[cfg(target_os = "linux")]
mod slow_dns;
#[cfg(target_os = "linux")]
mod slow_files;
#[cfg(unix)]
mod torture;
