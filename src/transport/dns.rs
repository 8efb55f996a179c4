//! Host name lookup with a deadline.
//!
//! The system's resolver has no timeout, so it runs in its own thread. A client has at most one such thread: concurrent
//! calls wait for the same lookup, and one that outlives its callers delivers its result to the next. The result is
//! cached for a short time, so that a service that connects for each call neither looks up nor starts a thread each
//! time.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, Phase};
use crate::config::Target;
use crate::error::{Code, Error};
use crate::log;
use crate::panic::{catch_panic, panic_if_asked};
use crate::sys;

/// How long the addresses are cached.
const CACHE_LIFETIME: Duration = Duration::from_secs(30);

/// How many addresses of a host are tried.
const MAX_ADDRESSES: usize = 32;

/// How long an address that was slower than another one is tried after the others.
const SLOW_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The default of std, which would otherwise read `RUST_MIN_STACK`: the library reads nothing from the environment.
const STACK_SIZE: usize = 2 * 1024 * 1024;

/// The hint if the host of the default URL has no address: most often another URL was meant.
const DEFAULT_HOST_HINT: &str = "Set the URL (`DCS_URL`, `--url` of the command, or the option url) if another endpoint was meant: this is the host of the default URL, the integration endpoint. It may be reachable only from allowed networks.";

/// Looks up one host.
pub(crate) struct Resolver {
    target: Target,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    lookup_finished: Condvar,
}

#[derive(Default)]
struct State {
    cached: Option<(Instant, Arc<[SocketAddr]>)>,
    in_flight: bool,
    /// The number of finished lookups, by which a waiting call sees that one has finished.
    finished: u64,
    failure: Option<String>,
    /// The addresses that were slower than another one, and when.
    slow: Vec<(IpAddr, Instant)>,
}

impl State {
    /// Returns the addresses with those last that were slow lately.
    fn ordered(&mut self, addresses: Arc<[SocketAddr]>) -> Arc<[SocketAddr]> {
        self.slow
            .retain(|(_, since)| since.elapsed() < SLOW_LIFETIME);
        if self.slow.is_empty() {
            return addresses;
        }
        let is_slow = |address: &SocketAddr| self.slow.iter().any(|(ip, _)| *ip == address.ip());
        let (slow, others): (Vec<_>, Vec<_>) = addresses.iter().partition(|a| is_slow(a));
        others.into_iter().chain(slow).collect()
    }
}

/// Interleaves the address families, starting with the first address's (RFC 8305, section 4). If one family has no
/// route, an address of the other follows soon.
fn interleave_families(addresses: impl Iterator<Item = SocketAddr>) -> Arc<[SocketAddr]> {
    let mut addresses = addresses.peekable();
    let is_v6_first = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .take(MAX_ADDRESSES)
        .partition(|address| address.is_ipv6() == is_v6_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    std::iter::from_fn(|| {
        let pair = [first.next(), second.next()];
        pair.iter().any(Option::is_some).then_some(pair)
    })
    .flatten()
    .flatten()
    .collect()
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the system's resolver and stores the result, even if it panics.
    fn look_up(&self, target: &Target) {
        let outcome = catch_panic(|| {
            panic_if_asked("lookup");
            (target.host.as_str(), target.port)
                .to_socket_addrs()
                .map(|found| (Instant::now(), interleave_families(found)))
                .map_err(|error| reason(&error))
        })
        .unwrap_or_else(|fault| Err(fault.message().trim_end_matches('.').to_owned()));
        let mut state = self.lock();
        state.in_flight = false;
        state.finished += 1;
        match outcome {
            Ok((at, addresses)) if !addresses.is_empty() => {
                state.cached = Some((at, addresses));
                state.failure = None;
            }
            Ok(_) => state.failure = Some("the name has no address".into()),
            Err(reason) => state.failure = Some(reason),
        }
        drop(state);
        self.lookup_finished.notify_all();
    }
}

impl Resolver {
    pub(crate) fn new(target: Target) -> Self {
        Resolver {
            target,
            shared: Arc::default(),
        }
    }

    /// Returns the host's addresses in the order in which to try them: as the system prefers them (RFC 6724), the
    /// families interleaved, and those last that were slow lately.
    pub(crate) fn resolve(&self, deadline: &Deadline) -> Result<Arc<[SocketAddr]>, Error> {
        let started = Instant::now();
        let found = self.find(deadline);
        let (host, ms) = (&self.target.host, started.elapsed().as_millis());
        match &found {
            Ok((addresses, origin)) => log::emit!(
                Debug,
                DNS,
                "{host} is at {} ({origin}, {ms} ms)",
                log::List(addresses.iter().map(SocketAddr::ip))
            ),
            Err(error) => log::emit!(Debug, DNS, "after {ms} ms: {}", error.message()),
        }
        found.map(|(addresses, _)| addresses)
    }

    /// Returns the addresses, and their origin for the log.
    fn find(&self, deadline: &Deadline) -> Result<(Arc<[SocketAddr]>, &'static str), Error> {
        if let Some(address) = self.target.address() {
            let address = SocketAddr::new(address, self.target.port);
            return Ok((Arc::new([address]), "as configured"));
        }
        let finished_before = self.shared.lock().finished;
        loop {
            let mut state = self.shared.lock();
            if let Some((at, addresses)) = &state.cached
                && at.elapsed() < CACHE_LIFETIME
            {
                let origin = if state.finished == finished_before {
                    "cached"
                } else {
                    "looked up"
                };
                let addresses = addresses.clone();
                return Ok((state.ordered(addresses), origin));
            }
            if state.finished != finished_before
                && let Some(reason) = &state.failure
            {
                return Err(self.error(reason));
            }
            if !state.in_flight {
                state.in_flight = true;
                drop(state);
                self.start();
                continue;
            }
            drop(state);
            // Without the lock, because a cancellation's callback may make calls.
            let wait = deadline.next_wait().map_err(|wait_error| {
                deadline.error(wait_error, Phase::Resolve, &self.target.to_string())
            })?;
            let state = self.shared.lock();
            if state.in_flight {
                drop(self.shared.lookup_finished.wait_timeout(state, wait));
            }
        }
    }

    /// Records that the addresses in `slow` were tried before this one, and this one answered first.
    pub(super) fn record_slow(&self, slow: &[SocketAddr], answered: SocketAddr) {
        if slow.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.shared.lock();
        let concerns = |ip: IpAddr| ip == answered.ip() || slow.iter().any(|a| a.ip() == ip);
        state.slow.retain(|(ip, _)| !concerns(*ip));
        state
            .slow
            .extend(slow.iter().map(|address| (address.ip(), now)));
        // Each lookup may return other addresses.
        let surplus = state.slow.len().saturating_sub(MAX_ADDRESSES);
        state.slow.drain(..surplus);
    }

    /// Discards the cached addresses, because none could be connected to.
    pub(super) fn invalidate(&self) {
        self.shared.lock().cached = None;
    }

    /// Creates a resolver that has just looked up these addresses.
    #[cfg(test)]
    pub(super) fn with_cached(target: Target, addresses: &[SocketAddr]) -> Self {
        let resolver = Self::new(target);
        resolver.shared.lock().cached = Some((Instant::now(), addresses.into()));
        resolver
    }

    fn start(&self) {
        sys::pin_library();
        let shared = self.shared.clone();
        let target = self.target.clone();
        let started = thread::Builder::new()
            .name("dcs-dns".into())
            .stack_size(STACK_SIZE)
            .spawn(move || shared.look_up(&target));
        if started.is_err() {
            // No thread can be started. Then only the system's own timeouts (resolv.conf) limit the lookup.
            self.shared.look_up(&self.target);
        }
    }

    fn error(&self, reason: &str) -> Error {
        let error = Error::new(
            Code::Resolve,
            format!(
                "The host name {} cannot be resolved: {reason}.",
                self.target.host
            ),
        );
        if self.target.is_default_host() {
            return error.with_hint(DEFAULT_HOST_HINT);
        }
        error
    }
}

/// Returns the system's description without the prefix that std adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;

    fn resolver(host: &str) -> Resolver {
        Resolver::new(Target {
            host: host.into(),
            port: 443,
        })
    }

    #[test]
    fn ip_addresses_need_no_lookup() {
        let deadline = Deadline::after(Duration::from_secs(5));
        for (host, address) in [("127.0.0.1", "127.0.0.1:443"), ("::1", "[::1]:443")] {
            let addresses = resolver(host).resolve(&deadline).unwrap();
            assert_eq!(addresses[0].to_string(), address);
        }
    }

    #[test]
    fn result_is_cached_until_invalidated() {
        let deadline = Deadline::after(Duration::from_secs(5));
        let resolver = resolver("localhost");
        let first = resolver.resolve(&deadline).unwrap();
        assert!(Arc::ptr_eq(&first, &resolver.resolve(&deadline).unwrap()));
        resolver.invalidate();
        assert!(!Arc::ptr_eq(&first, &resolver.resolve(&deadline).unwrap()));
    }

    #[test]
    fn unknown_name_is_named() {
        // RFC 6761 reserves .invalid.
        let error = resolver("dcs.invalid")
            .resolve(&Deadline::after(Duration::from_secs(30)))
            .unwrap_err();
        assert_eq!(error.code(), Code::Resolve);
        assert!(error.message().contains("dcs.invalid"), "{error}");
        assert_eq!(error.hint(), Code::Resolve.hint());
    }

    #[test]
    fn default_host_has_its_own_hint() {
        let target = Endpoint::integration().target;
        let error = Resolver::new(target).error("no such name");
        assert!(error.hint().contains("DCS_URL"), "{error}");
    }

    #[test]
    fn waiting_for_a_lookup_can_be_interrupted() {
        use super::super::cancel::{CancelToken, Interrupt};

        let resolver = resolver("localhost");
        resolver.shared.lock().in_flight = true;
        let interrupt = Arc::new(Interrupt::default());
        let token = CancelToken::new(&interrupt, None);
        let deadline = Deadline::new(Duration::from_secs(3600), token);
        let outcome = thread::scope(|scope| {
            let call = scope.spawn(|| resolver.resolve(&deadline));
            interrupt.raise();
            call.join().unwrap()
        });
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::Interrupted);
        assert!(error.message().contains("looking up"), "{error}");
    }

    #[test]
    fn families_are_interleaved() {
        let list = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let v6_first = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        assert_eq!(
            *interleave_families(list(&v6_first).into_iter()),
            *list(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"])
        );
        let v4_first = ["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"];
        assert_eq!(
            *interleave_families(list(&v4_first).into_iter()),
            *list(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"])
        );
        assert!(interleave_families(std::iter::empty()).is_empty());
        let many = (0..1000_u16).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(interleave_families(many).len(), MAX_ADDRESSES);
    }

    #[test]
    fn slow_address_is_tried_last() {
        let resolver = resolver("localhost");
        let addresses: Arc<[SocketAddr]> = ["[::1]:1", "1.1.1.1:1", "[::2]:1"]
            .map(|text| text.parse().unwrap())
            .into();
        resolver.shared.lock().cached = Some((Instant::now(), addresses.clone()));
        let order = || {
            let deadline = Deadline::after(Duration::from_secs(5));
            let found = resolver.resolve(&deadline).unwrap();
            found
                .iter()
                .map(|a| addresses.iter().position(|b| a == b).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(order(), [0, 1, 2]);
        resolver.record_slow(&addresses[..1], addresses[1]);
        assert_eq!(order(), [1, 2, 0]);
        // An address that answers is no longer slow.
        resolver.record_slow(&addresses[1..2], addresses[0]);
        assert_eq!(order(), [0, 2, 1]);
        // An address that was not tried stays slow.
        resolver.record_slow(&addresses[..1], addresses[2]);
        assert_eq!(order(), [2, 0, 1]);
        resolver.record_slow(&[], addresses[0]);
        assert_eq!(order(), [2, 0, 1]);
        let long_ago = Instant::now().checked_sub(SLOW_LIFETIME).unwrap();
        resolver.shared.lock().slow = vec![(addresses[0].ip(), long_ago)];
        assert_eq!(order(), [0, 1, 2]);
    }

    #[test]
    fn waiting_for_a_lookup_ends_by_the_deadline() {
        let resolver = resolver("localhost");
        resolver.shared.lock().in_flight = true;
        let error = resolver
            .resolve(&Deadline::after(Duration::from_millis(20)))
            .unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
        assert!(error.message().contains("looking up"), "{error}");
        resolver.shared.look_up(&resolver.target);
        assert!(
            resolver
                .resolve(&Deadline::after(Duration::from_millis(20)))
                .is_ok()
        );
    }
}
