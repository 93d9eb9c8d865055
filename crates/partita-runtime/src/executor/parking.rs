//! Where threads without work wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Counts who waits, so that nobody is woken who does not, and no more than there is work for.
///
/// A thread announces itself ([`Parking::enter`]) under the lock of the run's state, before it waits: whoever makes work under
/// that lock later sees it, so no wake-up is lost between looking for work and waiting.
#[derive(Debug, Default)]
pub(super) struct Parking {
    inner: Mutex<Inner>,
    woken: Condvar,
    /// A copy of `Inner::idle`, to look at without the lock.
    idle: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    /// Threads announced and not woken.
    idle: usize,
    /// Wake-ups that nobody has picked up yet.
    permits: usize,
    is_closed: bool,
}

impl Parking {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_idle(&self, inner: &mut Inner, idle: usize) {
        inner.idle = idle;
        self.idle.store(idle, Ordering::Release);
    }

    /// Says that this thread will wait.
    pub(super) fn enter(&self) {
        let mut inner = self.lock();
        let idle = inner.idle + 1;
        self.set_idle(&mut inner, idle);
    }

    /// Waits until woken, closed, or the deadline has passed; after [`Parking::enter`].
    pub(super) fn wait(&self, deadline: Option<Instant>) {
        let mut inner = self.lock();
        while inner.permits == 0 && !inner.is_closed {
            let Some(deadline) = deadline else {
                inner = self.woken.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = self.woken.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if inner.permits > 0 {
            inner.permits -= 1;
        } else {
            let idle = inner.idle.saturating_sub(1);
            self.set_idle(&mut inner, idle);
        }
    }

    /// Whether anybody waits.
    pub(super) fn has_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire) > 0
    }

    /// Wakes one of those who wait.
    pub(super) fn wake_one(&self) {
        let mut inner = self.lock();
        if inner.idle > 0 {
            let idle = inner.idle - 1;
            self.set_idle(&mut inner, idle);
            inner.permits += 1;
            self.woken.notify_one();
        }
    }

    /// Wakes all who wait now.
    pub(super) fn wake_all(&self) {
        let mut inner = self.lock();
        inner.permits += inner.idle;
        self.set_idle(&mut inner, 0);
        self.woken.notify_all();
    }

    /// Wakes all, now and from now on.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.woken.notify_all();
    }
}
