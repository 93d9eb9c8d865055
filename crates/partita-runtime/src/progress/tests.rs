use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use super::*;

#[test]
fn a_ticker_ticks_until_it_is_dropped() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    let ticker = Ticker::start(Duration::from_millis(1), move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let deadline = Instant::now() + Duration::from_secs(10);
    while ticks.load(Ordering::Relaxed) < 3 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(ticker.unwrap());
    let last = ticks.load(Ordering::Relaxed);
    assert!(last >= 3, "{last} ticks");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(ticks.load(Ordering::Relaxed), last);
}

#[test]
fn dropping_does_not_wait_for_the_interval() {
    let started = Instant::now();
    drop(Ticker::start(Duration::from_secs(3600), || {}).unwrap());
    assert!(started.elapsed() < Duration::from_secs(10));
}
