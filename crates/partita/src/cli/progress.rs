//! How far a conversion is, on standard error: a bar, lines, or JSON.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use partita::{Progress, Report};
use partita_runtime::ledger::ProcessMemory;
use partita_runtime::progress::Ticker;
use serde_json::{Value, json};

use super::args::ProgressMode;

#[cfg(test)]
mod tests;

const BAR_INTERVAL: Duration = Duration::from_millis(100);
const JSON_INTERVAL: Duration = Duration::from_secs(1);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows progress from a thread of its own until it is finished or dropped.
pub(crate) struct Display {
    how: How,
    ticker: Option<Ticker>,
}

/// Shows how much of standard input has been read, until it is dropped.
pub(crate) struct Reading(#[expect(dead_code, reason = "held for its drop")] Display);

/// A way of showing, and how often it is used.
#[derive(Clone)]
enum How {
    Bar(ProgressBar),
    Lines,
    Json,
    Nothing,
}

impl How {
    /// The bar counts to `all` bytes, where that is known.
    fn new(mode: ProgressMode, all: Option<u64>) -> Self {
        match mode {
            ProgressMode::None => How::Nothing,
            ProgressMode::Json => How::Json,
            ProgressMode::Auto if io::stderr().is_terminal() => How::Bar(bar(all)),
            ProgressMode::Auto | ProgressMode::Plain => How::Lines,
        }
    }

    fn interval(&self) -> Option<Duration> {
        match self {
            How::Bar(_) => Some(BAR_INTERVAL),
            How::Lines => Some(LINE_INTERVAL),
            How::Json => Some(JSON_INTERVAL),
            How::Nothing => None,
        }
    }
}

impl Reading {
    /// Begins to show how `spool` grows.
    pub(crate) fn start(mode: ProgressMode, spool: File) -> Self {
        let how = How::new(mode, None);
        let shown = how.clone();
        let tick = move || {
            let bytes = spool.metadata().map_or(0, |metadata| metadata.len());
            match &shown {
                How::Bar(bar) => bar.set_message(format!("standard input: {} read", HumanBytes(bytes))),
                How::Lines => say(&format!("standard input: {} read", HumanBytes(bytes))),
                How::Json => say(&json!({ "event": "reading", "bytes": bytes }).to_string()),
                How::Nothing => {}
            }
        };
        Self(Display::tick(how, tick))
    }
}

/// A run at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment {
    rows: u64,
    bytes_in: u64,
    /// Bytes of all inputs, as they lie.
    bytes_total: u64,
    seconds: f64,
    memory_bytes: u64,
    memory_limit_bytes: u64,
}

impl Display {
    /// Begins to show `progress` through `input_bytes` of input.
    pub(crate) fn start(
        mode: ProgressMode,
        progress: Arc<Progress>,
        input_bytes: u64,
        memory_limit: u64,
    ) -> Self {
        let how = How::new(mode, Some(input_bytes));
        let started = Instant::now();
        let shown = how.clone();
        let tick = move || {
            shown.show(&Moment {
                rows: progress.rows(),
                bytes_in: progress.input_bytes(),
                bytes_total: input_bytes + progress.again_bytes(),
                seconds: started.elapsed().as_secs_f64(),
                memory_bytes: ProcessMemory::now().map_or(0, ProcessMemory::bytes),
                memory_limit_bytes: memory_limit,
            });
        };
        Self::tick(how, tick)
    }

    fn tick(how: How, tick: impl FnMut() + Send + 'static) -> Self {
        // Without a thread to be had the work goes on unseen.
        let ticker = how.interval().and_then(|interval| Ticker::start(interval, tick).ok());
        Self { how, ticker }
    }

    /// Ends with a last line about what was written to `target`.
    pub(crate) fn finish(mut self, report: &Report, target: &Path) {
        self.stop();
        match &self.how {
            How::Nothing => {}
            How::Json => say(&done_json(report).to_string()),
            How::Bar(_) | How::Lines => say(&done_line(report, target)),
        }
    }

    fn stop(&mut self) {
        drop(self.ticker.take());
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.stop();
    }
}

fn bar(all: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(all, ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template(if all.is_some() { "{bar:24} {percent:>3} %  {msg}" } else { "{msg}" });
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
}

impl How {
    fn show(&self, moment: &Moment) {
        match self {
            How::Bar(bar) => {
                bar.set_length(moment.bytes_total);
                bar.set_position(moment.bytes_in.min(moment.bytes_total));
                bar.set_message(moment.words());
            }
            How::Lines => say(&moment.line()),
            How::Json => say(&moment.json().to_string()),
            How::Nothing => {}
        }
    }
}

/// A line on standard error, where somebody still listens.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl Moment {
    fn bytes_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.bytes_in as f64 / self.seconds } else { 0.0 }
    }

    /// `None` before anything has been read.
    fn seconds_left(&self) -> Option<f64> {
        let rate = self.bytes_per_second();
        let left = self.bytes_total.saturating_sub(self.bytes_in) as f64;
        (rate > 0.0).then(|| left / rate)
    }

    fn words(&self) -> String {
        let left = self.seconds_left().map_or_else(String::new, |left| format!(", {} left", duration(left)));
        format!(
            "{} rows, {}/s, memory {} of {}{left}",
            HumanCount(self.rows),
            HumanBytes(self.bytes_per_second() as u64),
            HumanBytes(self.memory_bytes),
            HumanBytes(self.memory_limit_bytes),
        )
    }

    fn line(&self) -> String {
        let percent = self.bytes_in.min(self.bytes_total) * 100 / self.bytes_total.max(1);
        let (done, all) = (HumanBytes(self.bytes_in), HumanBytes(self.bytes_total));
        format!("{done} of {all} ({percent} %), {}", self.words())
    }

    fn json(&self) -> Value {
        json!({
            "event": "progress",
            "rows": self.rows,
            "bytes_in": self.bytes_in,
            "bytes_total": self.bytes_total,
            "bytes_per_second": self.bytes_per_second().round(),
            "seconds": self.seconds,
            "seconds_left": self.seconds_left(),
            "memory_bytes": self.memory_bytes,
            "memory_limit_bytes": self.memory_limit_bytes,
        })
    }
}

/// `4 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.ceil().max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn done_line(report: &Report, target: &Path) -> String {
    let rate = if report.seconds > 0.0 { report.bytes_in as f64 / report.seconds } else { 0.0 };
    format!(
        "{}: {} rows in {} {}, {} from {} of input in {:.2} s ({}/s), memory at most {}",
        target.display(),
        HumanCount(report.rows),
        HumanCount(report.parts_written as u64),
        if report.parts_written == 1 { "file" } else { "files" },
        HumanBytes(report.bytes_out),
        HumanBytes(report.bytes_in),
        report.seconds,
        HumanBytes(rate as u64),
        HumanBytes(report.peak_memory_bytes),
    )
}

fn done_json(report: &Report) -> Value {
    json!({
        "event": "done",
        "rows": report.rows,
        "parts_written": report.parts_written,
        "bytes_in": report.bytes_in,
        "bytes_out": report.bytes_out,
        "seconds": report.seconds,
        "peak_memory_bytes": report.peak_memory_bytes,
    })
}
