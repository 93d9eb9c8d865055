//! `partita convert`: CSV or Parquet to Parquet.

use std::fmt::Write;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use indicatif::{HumanBytes, HumanCount};
use partita::{DataFrame, ParquetWriter, ReadOptions, Report, Session, Stage, WriteOptions};
use serde_json::{Value, json};

use super::args::{Changed, Conversion, Convert, Sort};
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output;
use super::prepare;
use super::progress::{Display, Reading};
use super::sources::Sources;

/// Converts, or says what it would do.
///
/// # Errors
/// Everything that the reading, the running and the writing refuse. The target is as it was then.
pub(crate) fn convert(args: &Convert, interrupt: &Interrupt) -> Result<(), Failure> {
    let index = args.index.set_index();
    let said = args.index.said();
    let said = said.as_ref().map(|said| ("set_index", said));
    carry_out(&args.conversion, said, interrupt, |frame| match &index {
        Some(index) => frame.set_index(index.clone()),
        None => frame,
    })
}

/// Converts, with all rows in order.
///
/// # Errors
/// As [`convert`].
pub(crate) fn sort(args: &Sort, interrupt: &Interrupt) -> Result<(), Failure> {
    let by = args.order.by();
    let said = json!(by.iter().map(ToString::to_string).collect::<Vec<_>>());
    carry_out(&args.conversion, Some(("sort", &said)), interrupt, |frame| frame.sort_values(by.clone()))
}

/// Converts what `ordered` makes of the rows that are picked; `said` is what the manifest has of it.
fn carry_out(
    args: &Conversion,
    said: Option<(&str, &Value)>,
    interrupt: &Interrupt,
    ordered: impl Fn(DataFrame) -> DataFrame,
) -> Result<(), Failure> {
    if let Some(path) = &args.report.report {
        check_report(path, &args.write.to)?;
    }
    let session = args.run.session()?;
    let on_mismatch = args.mismatch.on_mismatch();
    let read = ReadOptions { on_mismatch, ..args.read.options()? };
    let write = args.write.options()?;
    let mut sources = Sources::begin(&args.input.inputs)?;
    let reading = sources.spool().map(|spool| Reading::start(args.report.progress, spool));
    sources.read_on(u64::MAX)?;
    drop(reading);
    let (mut append, mut overwrite) = (args.write.append, args.write.overwrite);
    if args.write.incremental {
        match incremental(args, &session, &mut sources)? {
            Job::Nothing(known) => return nothing_new(args, known),
            Job::Append => {}
            Job::Rebuild => (append, overwrite) = (false, true),
        }
    }
    let converted = || {
        let frame = prepare::load_as(&session, &sources, read.clone(), &args.read)?;
        let frame = ordered(prepare::pick(frame, &args.pick)?);
        frame.schema()?;
        let mut job = json!({
            "read": read, "write": write,
            "select": texts(&args.pick.select), "drop": texts(&args.pick.drop), "where": args.pick.filter,
        });
        if let (Some((name, said)), Some(job)) = (said, job.as_object_mut()) {
            job.insert(name.to_owned(), said.clone());
        }
        let writer = frame
            .to_parquet(&args.write.to)
            .options(write.clone())
            .overwrite(overwrite)
            .append(append)
            .resume(args.write.resume)
            .single_file(args.write.single_file)
            .sync(args.write.sync)
            .job(job);
        if args.report.dry_run {
            dry_run(args, &frame, &writer, &write)
        } else {
            run(args, &session, writer, interrupt)
        }
    };
    converted().map_err(|failure: Failure| failure.reworded(|words| sources.shown(words)))
}

/// What is to be done where inputs that the data set has are left out.
enum Job {
    /// It has all of them, so many.
    Nothing(usize),
    Append,
    Rebuild,
}

/// Leaves out the inputs that are in the data set.
fn incremental(args: &Conversion, session: &Session, sources: &mut Sources) -> Result<Job, Failure> {
    if args.input.inputs.iter().any(|input| input == "-") {
        return Err(Failure::usage("--incremental: standard input has no name to know it by; name files"));
    }
    let inputs = session.new_inputs(sources.paths(), &args.write.to)?;
    let shown = |paths: &[String]| {
        let more = paths.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        paths.iter().take(3).cloned().collect::<Vec<_>>().join(", ") + &more
    };
    let changed = args.write.changed.unwrap_or_default();
    match (inputs.changed.is_empty(), changed) {
        (false, Changed::Error) => Err(Failure::new(format!(
            "{}: has rows of inputs that have changed since: {}; convert all inputs again with --changed rebuild",
            args.write.to.display(),
            shown(&inputs.changed)
        ))),
        (false, Changed::Rebuild) if !inputs.missing.is_empty() => Err(Failure::new(format!(
            "{}: cannot be rebuilt: it also has rows of inputs that were not named: {}; name all inputs",
            args.write.to.display(),
            shown(&inputs.missing)
        ))),
        (false, Changed::Rebuild) => Ok(Job::Rebuild),
        (true, _) if inputs.new.is_empty() => Ok(Job::Nothing(inputs.known.len())),
        (true, _) => {
            sources.keep(inputs.new);
            Ok(Job::Append)
        }
    }
}

/// Says that the data set has everything.
fn nothing_new(args: &Conversion, known: usize) -> Result<(), Failure> {
    let _ = writeln!(io::stderr(), "note: nothing is new: the data set has all of the {known} inputs");
    match &args.report.report {
        Some(path) => write_report(path, &Report::default()),
        None => Ok(()),
    }
}

fn texts(lists: &[super::values::List]) -> Vec<String> {
    super::values::all(lists)
}

fn run(
    args: &Conversion,
    session: &Session,
    writer: ParquetWriter,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    interrupt.cancels(writer.cancel_token());
    let input_bytes = writer.input_bytes()?;
    let display =
        Display::start(args.report.progress, writer.progress(), input_bytes, session.memory_limit());
    let written = writer.write().map_err(|error| {
        let goes_on = error.is_cancelled() && args.write.resume;
        let way_out = if goes_on { "; the same command goes on from here" } else { "" };
        Failure::from(error).reworded(|words| format!("{words}{way_out}"))
    })?;
    let report = Report::new(&written);
    display.finish(&report, &args.write.to);
    if let Some(path) = written.quarantine.as_ref().filter(|_| written.rows_quarantined > 0) {
        let (count, path) = (HumanCount(written.rows_quarantined), path.display());
        let (records, are) =
            if written.rows_quarantined == 1 { ("record", "is") } else { ("records", "are") };
        let _ = writeln!(io::stderr(), "note: {count} {records} did not fit and {are} set aside in {path}");
    }
    for column in &written.widened {
        let _ = writeln!(io::stderr(), "note: widened column {column}");
    }
    for note in &written.notes {
        let _ = writeln!(io::stderr(), "note: {note}");
    }
    match &args.report.report {
        Some(path) => write_report(path, &report),
        None => Ok(()),
    }
}

/// Says what would be written, after the checks that the writing begins with.
fn dry_run(
    args: &Conversion,
    frame: &DataFrame,
    writer: &ParquetWriter,
    options: &WriteOptions,
) -> Result<(), Failure> {
    writer.check()?;
    let target = args.write.to.display();
    let named = args.write.to.as_os_str().as_encoded_bytes().ends_with(b".parquet");
    let is_file = args.write.single_file || (named && !args.write.to.is_dir());
    let keys = options.partition_on.join("=../") + "=../";
    let kind = match (is_file, options.file_per_partition) {
        _ if !options.partition_on.is_empty() => format!("folders {keys} of parts"),
        (true, _) => "one file".to_owned(),
        (false, true) => format!("a folder of {} parts", frame.npartitions()?),
        (false, false) => format!("a folder of parts of about {}", HumanBytes(options.part_bytes)),
    };
    let mut text = String::new();
    let input = HumanBytes(writer.input_bytes()?);
    let _ = writeln!(
        text,
        "would read {input} and write {target}, {kind}, compressed with {}",
        options.compression
    );
    let _ = writeln!(text, "\n{frame}\n\n{}", frame.explain(Stage::Fused)?.trim_end());
    output::print(&text)
}

/// Refuses a report that could not be written, before the work begins.
fn check_report(path: &Path, target: &Path) -> Result<(), Failure> {
    let folder = folder_of(path);
    let real =
        folder.canonicalize().map_err(|error| Failure::io(format!("--report {}", path.display()), &error))?;
    if target.canonicalize().is_ok_and(|target| target.is_dir() && real.starts_with(target)) {
        let message =
            format!("--report {}: is in the target, which holds the data set alone", path.display());
        return Err(Failure::usage(message));
    }
    if path.is_dir() {
        return Err(Failure::usage(format!("--report {}: is a folder; name a file", path.display())));
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn write_report(path: &Path, report: &Report) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(|error| Failure::new(error.to_string()))?;
    write_whole(path, &(text + "\n"), true)
        .map_err(|error| Failure::io(format!("the data set is written; --report {}", path.display()), &error))
}

/// Writes a file that appears with all of its text; says so with an error where it is there already and
/// `replace` is not.
pub(crate) fn write_whole(path: &Path, text: &str, replace: bool) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".partita-").make_in(folder_of(path), |path| {
        std::fs::OpenOptions::new().write(true).create_new(true).open(path)
    })?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path)?
    } else {
        file.persist_noclobber(path)?
    };
    Ok(())
}
