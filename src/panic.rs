//! Catches panics at the C boundary and in the library's own threads.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::error::{Code, Error};
use crate::fork_gate;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs a panic hook. The default hook would print to the host's standard error. This one keeps the place of a
/// panic that is caught here, for the error's message, and passes other panics to the previous hook.
fn install_hook() {
    static INSTALL: Once = Once::new();
    if INSTALL.is_completed() {
        return;
    }
    // A child that is forked in the middle of this would wait for it forever.
    fork_gate::install();
    let _section = fork_gate::crypto_section();
    INSTALL.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CONTAINED.try_with(Cell::get).unwrap_or(false) {
                let place = info
                    .location()
                    .map(|place| format!("{}:{}", place.file(), place.line()));
                let _ = PLACE.try_with(|cell| {
                    if let Ok(mut cell) = cell.try_borrow_mut() {
                        *cell = place;
                    }
                });
            } else {
                previous(info);
            }
        }));
    });
}

/// Runs the body. A panic becomes an error that names its place, and prints nothing.
///
/// Unwind safety: nothing that a body changes is used afterwards, except if its fields are only assigned
/// whole, at the end.
pub(crate) fn catch_panic<T>(body: impl FnOnce() -> T) -> Result<T, Error> {
    install_hook();
    let outer = CONTAINED
        .try_with(|contained| contained.replace(true))
        .unwrap_or(false);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        // A payload whose own drop panics must not end the process either.
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
    });
    let _ = CONTAINED.try_with(|contained| contained.set(outer));
    outcome.map_err(|()| {
        let place = PLACE
            .try_with(|cell| cell.try_borrow_mut().ok().and_then(|mut cell| cell.take()))
            .ok()
            .flatten();
        Error::new(
            Code::Internal,
            format!(
                "libdcs met a fault of its own at {}.",
                place.as_deref().unwrap_or("an unknown place")
            ),
        )
    })
}

/// Panics if `DCS_PANIC_TEST` names this place. A library built without the feature cannot do this.
#[cfg(feature = "panic-test")]
#[track_caller]
pub(crate) fn panic_if_asked(place: &str) {
    assert!(
        std::env::var_os("DCS_PANIC_TEST").is_none_or(|asked| asked != place),
        "asked for"
    );
}

#[cfg(not(feature = "panic-test"))]
pub(crate) fn panic_if_asked(_: &str) {}
