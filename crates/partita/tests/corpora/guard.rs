//! Runs something that must end, must not panic and must not eat the machine.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, mpsc};
use std::time::Duration;

/// Panics of any thread since the start, those that were caught too.
static PANICS: AtomicUsize = AtomicUsize::new(0);
/// Where the last one was.
static LAST: Mutex<String> = Mutex::new(String::new());
static HOOK: Once = Once::new();

thread_local! {
    static NOW: RefCell<Option<mpsc::SyncSender<String>>> = const { RefCell::new(None) };
}

/// Says what is being done now: a job that hangs is named by it. Also the sign of life.
pub(crate) fn doing(what: &str) {
    NOW.with_borrow(|now| {
        if let Some(sender) = now {
            sender.send(what.to_owned()).expect("the watcher");
        }
    });
}

/// Runs `job` on its own thread and fails where it gives no sign of life for `patience`.
pub(crate) fn watched(patience: Duration, job: impl FnOnce() + Send + 'static) {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            *LAST.lock().expect("no panic in here") = panic.to_string();
            before(panic);
        }));
    });
    let (sender, receiver) = mpsc::sync_channel(16);
    let worker = std::thread::spawn(move || {
        NOW.with_borrow_mut(|now| *now = Some(sender));
        job();
        NOW.with_borrow_mut(|now| *now = None);
    });
    let mut last = String::from("the start");
    loop {
        match receiver.recv_timeout(patience) {
            Ok(what) => last = what,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no sign of life for {patience:?} from {last}"),
        }
    }
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
}

/// What `call` returns, or that it panicked, itself or on a thread of the engine.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    let before = PANICS.load(Ordering::SeqCst);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    let panicked = PANICS.load(Ordering::SeqCst) > before;
    match outcome {
        Ok(value) if !panicked => Ok(value),
        _ => Err(LAST.lock().expect("no panic in here").clone()),
    }
}

/// Highest resident memory of this process in bytes, where the system tells.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
