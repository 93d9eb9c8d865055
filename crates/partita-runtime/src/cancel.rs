//! A token that says that work is no longer wanted.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Cancels a run, from any thread. Clones are the same token; once cancelled it stays so.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_cancelled: AtomicBool,
    listeners: Mutex<Listeners>,
    changed: Condvar,
    /// Keeps a child listening to its parent.
    _parent: Option<Subscription>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    calls: Vec<(u64, Box<dyn FnOnce() + Send>)>,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel(&self) {
        if self.is_cancelled.swap(true, Ordering::AcqRel) {
            return;
        }
        // Waiters look at the flag under this lock, so none misses the notice. Calls are made without it.
        let calls = {
            let mut listeners = self.lock();
            self.changed.notify_all();
            std::mem::take(&mut listeners.calls)
        };
        for (_, call) in calls {
            call();
        }
    }
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        CancelToken::default()
    }

    /// A token that is cancelled with this one, or alone.
    pub fn child(&self) -> CancelToken {
        let child = Arc::new_cyclic(|child: &Weak<Inner>| {
            let child = Weak::clone(child);
            // A parent that is cancelled already calls at once, before the child is there: the flag is set below.
            let parent = self.on_cancel(move || {
                if let Some(child) = child.upgrade() {
                    child.cancel();
                }
            });
            Inner { _parent: Some(parent), ..Inner::default() }
        });
        if self.is_cancelled() {
            child.cancel();
        }
        CancelToken(child)
    }

    /// Cancels: wakes those who wait and calls those who listen, in this thread. The second time nothing happens.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it is cancelled. Costs one load, so it may be asked for every batch.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Acquire)
    }

    /// Calls `call` when cancelled, at once if it is already; not any more once the subscription is dropped.
    pub fn on_cancel(&self, call: impl FnOnce() + Send + 'static) -> Subscription {
        let mut listeners = self.0.lock();
        if self.is_cancelled() {
            drop(listeners);
            call();
            return Subscription { token: Weak::new(), id: 0 };
        }
        let id = listeners.next;
        listeners.next += 1;
        listeners.calls.push((id, Box::new(call)));
        Subscription { token: Arc::downgrade(&self.0), id }
    }

    /// Waits until cancelled, at most for `timeout`; says whether it is.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut listeners = self.0.lock();
        while !self.is_cancelled() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            // A deadline beyond the end of the clock is no deadline.
            let left = left.unwrap_or(Duration::from_secs(3600));
            let waited = self.0.changed.wait_timeout(listeners, left);
            listeners = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CancelToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// A call that will be made on cancellation, until this is dropped.
#[must_use = "dropping it takes the call back"]
pub struct Subscription {
    token: Weak<Inner>,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(token) = self.token.upgrade() else { return };
        let call = {
            let mut listeners = token.lock();
            let place = listeners.calls.iter().position(|(id, _)| *id == self.id);
            place.map(|place| listeners.calls.swap_remove(place))
        };
        // What the call holds may listen as well: it goes when the lock has gone.
        drop(call);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Subscription").finish_non_exhaustive()
    }
}
