//! Who holds how much memory, and the ceiling.
//!
//! A session has one [`Ledger`]. Every buffer that grows with the data is reserved before it is allocated, by the operator
//! that needs it, and given back when the [`Reservation`] is dropped. A buffer that slices share is counted once, by
//! whoever allocated it.
//!
//! # What is not counted
//! Code, stacks, the allocator's own slack, plans and task graphs, the journal, the open file handles, and what
//! libraries allocate for a moment within one call. They are paid by a fixed share of the memory limit, [`fixed_share_bytes`]:
//! 32 MiB and 8 MiB a thread, at most half of the limit. The ledger hands out what is left. A result that was handed over to
//! the user has left the ledger. Pages of files in the operating system's cache are nobody's.
//!
//! # How
//! One atomic counter is the truth; a reservation is one compare-and-swap, and nothing is locked but to find an operator's
//! account. Waiters are not queued: whoever asks first after memory was freed gets it, which is why an executor asks for
//! one source at a time.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

mod limit;
mod process;
mod slack;
mod task;
#[cfg(test)]
mod tests;

pub use limit::{
    LimitError, MEMORY_LIMIT_BYTES_MIN, fixed_share_bytes, machine_memory_bytes, memory_limit_bytes_default,
    threads_max,
};
pub use process::{PeakSampler, ProcessMemory};

use slack::Slack;

/// Holders named in an error.
const HOLDERS_MAX: usize = 3;

/// The memory of one session.
#[derive(Debug)]
pub struct Ledger {
    /// What the user asked for.
    memory_limit_bytes: u64,
    /// What can be reserved.
    limit_bytes: u64,
    used_bytes: AtomicU64,
    peak_bytes: AtomicU64,
    /// What the allocator keeps of what was given back.
    slack: Slack,
    accounts: RwLock<Vec<Arc<Account>>>,
    /// Threads in [`Ledger::wait_for_room`]; nobody is notified while it is 0.
    waiting: AtomicUsize,
    gate: Mutex<()>,
    freed: Condvar,
    /// Who can give memory back when it is short, in the order in which they are asked.
    reclaim: RwLock<Vec<Weak<dyn Reclaim>>>,
}

/// Somebody who holds memory that can go to disk.
pub trait Reclaim: Send + Sync {
    /// Gives some memory back, at best `bytes`, and returns when it is back.
    ///
    /// # Errors
    /// Where nothing can be given back: why not, as the end of a sentence, or nothing.
    fn reclaim(&self, bytes: u64) -> Result<(), String>;
}

impl fmt::Debug for dyn Reclaim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reclaim")
    }
}

/// What one operator holds, all its tasks together.
#[derive(Debug)]
struct Account {
    operator: String,
    used_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

/// What an operator holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The operator.
    pub operator: String,
    /// Bytes now.
    pub used_bytes: u64,
    /// The most it has held.
    pub peak_bytes: u64,
}

/// Memory that is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerError {
    /// Who asked.
    pub operator: String,
    /// How much more.
    pub need_bytes: u64,
    /// How much is free.
    pub available_bytes: u64,
    /// How much there is to reserve.
    pub limit_bytes: u64,
    /// The session's memory limit.
    pub memory_limit_bytes: u64,
    /// Who holds most, most first.
    pub holders: Vec<Holding>,
    /// Why nothing more goes to disk, as a part of the sentence; empty where nothing could.
    pub spill: String,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LedgerError {
            operator,
            need_bytes,
            available_bytes,
            limit_bytes,
            memory_limit_bytes,
            holders,
            spill,
        } = self;
        write!(formatter, "{operator}: needs {need_bytes} bytes of memory, ")?;
        write!(formatter, "{available_bytes} of {limit_bytes} are free")?;
        for (place, holder) in holders.iter().enumerate() {
            let before = if place == 0 { " (held by" } else { "," };
            write!(formatter, "{before} {}: {}", holder.operator, holder.used_bytes)?;
        }
        let end = if holders.is_empty() { "" } else { ")" };
        write!(formatter, "{end}{spill}; raise memory_limit, which is {memory_limit_bytes}")
    }
}

impl std::error::Error for LedgerError {}

impl Ledger {
    /// A ledger for a session with `threads` task threads; `memory_limit_bytes` of `None` or 0 is the default,
    /// [`memory_limit_bytes_default`].
    ///
    /// # Errors
    /// [`LimitError`] where the limit is below [`MEMORY_LIMIT_BYTES_MIN`].
    pub fn new(memory_limit_bytes: Option<u64>, threads: usize) -> Result<Arc<Ledger>, LimitError> {
        match memory_limit_bytes {
            None | Some(0) => Ok(Ledger::with_default_limit(threads)),
            Some(limit_bytes) if limit_bytes < MEMORY_LIMIT_BYTES_MIN => Err(LimitError { limit_bytes }),
            Some(limit_bytes) => Ok(Ledger::with_limit(limit_bytes, threads)),
        }
    }

    /// [`Ledger::new`] with the default limit.
    pub fn with_default_limit(threads: usize) -> Arc<Ledger> {
        Ledger::with_limit(memory_limit_bytes_default(), threads)
    }

    fn with_limit(memory_limit_bytes: u64, threads: usize) -> Arc<Ledger> {
        let share_bytes = fixed_share_bytes(memory_limit_bytes, threads);
        let limit_bytes = memory_limit_bytes - share_bytes;
        Arc::new(Ledger {
            memory_limit_bytes,
            limit_bytes,
            slack: Slack::new(limit_bytes, share_bytes),
            used_bytes: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
            accounts: RwLock::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            gate: Mutex::new(()),
            freed: Condvar::new(),
            reclaim: RwLock::default(),
        })
    }

    /// The session's memory limit.
    pub fn memory_limit_bytes(&self) -> u64 {
        self.memory_limit_bytes
    }

    /// What can be reserved: the memory limit less the fixed share.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// What is reserved now.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Acquire)
    }

    /// The most that was reserved at one time.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Acquire)
    }

    /// What is free now.
    pub fn available_bytes(&self) -> u64 {
        self.limit_bytes.saturating_sub(self.used_bytes())
    }

    /// What each operator holds and held at most, those that hold most first.
    pub fn holdings(&self) -> Vec<Holding> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let holding = |account: &Arc<Account>| Holding {
            operator: account.operator.clone(),
            used_bytes: account.used_bytes.load(Ordering::Relaxed),
            peak_bytes: account.peak_bytes.load(Ordering::Relaxed),
        };
        let mut holdings: Vec<Holding> = accounts.iter().map(holding).collect();
        holdings.sort_by(|a, b| b.used_bytes.cmp(&a.used_bytes).then_with(|| a.operator.cmp(&b.operator)));
        holdings
    }

    /// What `operator` holds now.
    pub(crate) fn holding_bytes(&self, operator: &str) -> u64 {
        self.account(operator).used_bytes.load(Ordering::Relaxed)
    }

    /// Names one more who is asked for memory when it is short, before all others, as long as it is there.
    pub(crate) fn reclaim_from(&self, reclaim: Weak<dyn Reclaim>) {
        let mut all = self.reclaim.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|reclaim| reclaim.strong_count() > 0);
        all.insert(0, reclaim);
    }

    /// Has somebody give memory back.
    fn reclaim(&self, bytes: u64) -> Result<(), String> {
        let all = self.reclaim.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut why = String::new();
        for reclaim in all.iter().filter_map(Weak::upgrade) {
            match reclaim.reclaim(bytes) {
                Ok(()) => return Ok(()),
                Err(error) => why += &error,
            }
        }
        Err(why)
    }

    /// Reserves memory for `operator`, sending to disk what can go where less is free.
    ///
    /// # Errors
    /// [`LedgerError`] where that is not enough.
    pub fn try_reserve(self: &Arc<Self>, operator: &str, bytes: usize) -> Result<Reservation, LedgerError> {
        let account = self.account(operator);
        self.take(&account, bytes as u64)?;
        Ok(Reservation { ledger: Arc::clone(self), account, bytes: bytes as u64 })
    }

    /// Reserves memory for `operator` where it is free.
    pub fn reserve_free(self: &Arc<Self>, operator: &str, bytes: usize) -> Option<Reservation> {
        let account = self.account(operator);
        self.take_free(&account, bytes as u64).ok()?;
        Some(Reservation { ledger: Arc::clone(self), account, bytes: bytes as u64 })
    }

    /// Waits until `bytes` are free, at most for `timeout`; says whether they were. Somebody else may be faster to take them.
    pub fn wait_for_room(&self, bytes: u64, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        // Before looking: whoever frees memory after the look sees this and comes for the lock.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let found = loop {
            let used = self.used_bytes.load(Ordering::SeqCst);
            if bytes <= self.limit_bytes.saturating_sub(used) {
                break true;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.unwrap_or(Duration::from_secs(3600));
            if left.is_zero() {
                break false;
            }
            gate = self.freed.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(gate);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        found
    }

    /// Operators are few, so a list is searched faster than a table.
    fn account(&self, operator: &str) -> Arc<Account> {
        let is_it = |account: &&Arc<Account>| account.operator == operator;
        {
            let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(account) = accounts.iter().find(is_it) {
                return Arc::clone(account);
            }
        }
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.iter().find(is_it) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account {
            operator: operator.to_owned(),
            used_bytes: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
        });
        accounts.push(Arc::clone(&account));
        account
    }

    /// Takes what is free, or what becomes free as others go to disk.
    fn take(&self, account: &Account, bytes: u64) -> Result<(), LedgerError> {
        loop {
            let Err(used) = self.take_free(account, bytes) else { return Ok(()) };
            let missing = used.saturating_add(bytes).saturating_sub(self.limit_bytes);
            // What can never fit is not worth a write.
            let reclaimed =
                if bytes <= self.limit_bytes { self.reclaim(missing) } else { Err(String::new()) };
            if let Err(spill) = reclaimed {
                // Somebody may have given memory back while this thread looked for some.
                return self
                    .take_free(account, bytes)
                    .map_err(|used| self.refusal(account, bytes, used, spill));
            }
        }
    }

    /// Takes what is free, or says how much is used.
    fn take_free(&self, account: &Account, bytes: u64) -> Result<(), u64> {
        let add = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit_bytes);
        match self.used_bytes.fetch_update(Ordering::SeqCst, Ordering::Acquire, add) {
            Ok(before) => {
                self.peak_bytes.fetch_max(before + bytes, Ordering::Relaxed);
                let held = account.used_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
                account.peak_bytes.fetch_max(held, Ordering::Relaxed);
                self.slack.reserved(bytes, before + bytes);
                Ok(())
            }
            Err(used) => Err(used),
        }
    }

    fn refusal(&self, account: &Account, need_bytes: u64, used: u64, spill: String) -> LedgerError {
        let mut holders = self.holdings();
        holders.truncate(HOLDERS_MAX);
        holders.retain(|holder| holder.used_bytes > 0);
        LedgerError {
            operator: account.operator.clone(),
            need_bytes,
            available_bytes: self.limit_bytes.saturating_sub(used),
            limit_bytes: self.limit_bytes,
            memory_limit_bytes: self.memory_limit_bytes,
            holders,
            spill,
        }
    }

    fn give_back(&self, account: &Account, bytes: u64) {
        if bytes == 0 {
            return;
        }
        account.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.used_bytes.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            self.freed.notify_all();
        }
    }
}

/// Memory that is promised to an operator until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    ledger: Arc<Ledger>,
    account: Arc<Account>,
    bytes: u64,
}

impl Reservation {
    /// Bytes promised now.
    pub fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Bytes promised to its operator in all.
    pub(crate) fn account_bytes(&self) -> u64 {
        self.account.used_bytes.load(Ordering::Relaxed)
    }

    /// Where it comes from.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Asks for another size. Less is always given.
    ///
    /// # Errors
    /// [`LedgerError`] where the difference is not free; the reservation is then as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), LedgerError> {
        let bytes = bytes as u64;
        if bytes > self.bytes {
            self.ledger.take(&self.account, bytes - self.bytes)?;
        } else {
            self.ledger.give_back(&self.account, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Asks for `bytes` more where they are free; says whether they were.
    pub fn grow_free(&mut self, bytes: usize) -> bool {
        let is_taken = self.ledger.take_free(&self.account, bytes as u64).is_ok();
        if is_taken {
            self.bytes += bytes as u64;
        }
        is_taken
    }

    /// Splits off a part, at most all of it, for somebody else to hold.
    pub fn split(&mut self, bytes: usize) -> Reservation {
        let bytes = self.bytes.min(bytes as u64);
        self.bytes -= bytes;
        Reservation { ledger: Arc::clone(&self.ledger), account: Arc::clone(&self.account), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.ledger.give_back(&self.account, self.bytes);
    }
}
