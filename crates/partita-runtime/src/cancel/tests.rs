use std::sync::atomic::AtomicUsize;
use std::thread;

use super::*;

fn counter() -> (Arc<AtomicUsize>, impl Fn() -> Box<dyn FnOnce() + Send>) {
    let count = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&count);
    let call = move || -> Box<dyn FnOnce() + Send> {
        let count = Arc::clone(&shared);
        Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    };
    (count, call)
}

#[test]
fn listeners_are_called_once_unless_they_left() {
    let token = CancelToken::new();
    let (count, call) = counter();
    let kept = token.on_cancel(call());
    drop(token.on_cancel(call()));
    assert!(!token.is_cancelled());
    token.cancel();
    token.cancel();
    assert!(token.is_cancelled());
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let _late = token.on_cancel(call());
    assert_eq!(count.load(Ordering::SeqCst), 2, "too late to wait");
    drop(kept);
}

#[test]
fn a_waiting_thread_wakes_at_once() {
    let token = CancelToken::new();
    assert!(!token.wait(Duration::from_millis(1)));
    let waiting = token.clone();
    let thread = thread::spawn(move || {
        let start = Instant::now();
        (waiting.wait(Duration::from_secs(60)), start.elapsed())
    });
    thread::sleep(Duration::from_millis(20));
    token.cancel();
    let (is_cancelled, waited) = thread.join().unwrap();
    assert!(is_cancelled && waited < Duration::from_secs(10), "{waited:?}");
    assert!(token.wait(Duration::MAX));
}

#[test]
fn a_child_follows_its_parent_and_not_the_other_way() {
    let parent = CancelToken::new();
    let (first, second) = (parent.child(), parent.child());
    first.cancel();
    assert!(first.is_cancelled() && !parent.is_cancelled() && !second.is_cancelled());
    drop(first);
    assert_eq!(parent.0.lock().calls.len(), 1, "a child that is gone listens no more");
    parent.cancel();
    assert!(second.is_cancelled());
    assert!(parent.child().is_cancelled(), "born cancelled");
}
