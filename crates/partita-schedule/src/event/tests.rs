use super::*;

#[test]
fn runs_are_told_apart_and_end_once() {
    let run = RunId(7);
    let finished = Event::RunFinished { run };
    assert_eq!((finished.run(), finished.ends_run()), (Some(run), true));
    let progress = Event::Progress { run, input_bytes: 1, rows: 1 };
    assert_eq!((progress.run(), progress.ends_run()), (Some(run), false));
    let message = Event::Message { level: Level::Info, text: String::new() };
    assert_eq!((message.run(), message.ends_run()), (None, false));
}
