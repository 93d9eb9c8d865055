use super::*;

fn moment() -> Moment {
    Moment {
        rows: 1_234_567,
        bytes_in: 512 << 20,
        bytes_total: 2 << 30,
        seconds: 4.0,
        memory_bytes: 200 << 20,
        memory_limit_bytes: 1 << 30,
    }
}

#[test]
fn a_line_says_how_far_it_is_and_how_long_it_takes() {
    let line = "512.00 MiB of 2.00 GiB (25 %), 1,234,567 rows, 128.00 MiB/s, \
                memory 200.00 MiB of 1.00 GiB, 12 s left";
    assert_eq!(moment().line(), line);
}

#[test]
fn json_has_numbers_with_their_units() {
    let json = moment().json();
    assert_eq!(json["event"], "progress");
    assert_eq!(json["bytes_per_second"], 134_217_728.0);
    assert_eq!(json["seconds_left"], 12.0);
    let start = Moment { bytes_in: 0, seconds: 0.0, ..moment() };
    assert_eq!(start.json()["seconds_left"], Value::Null);
}

#[test]
fn an_input_of_no_bytes_is_no_division_by_zero() {
    let empty = Moment { bytes_in: 0, bytes_total: 0, seconds: 0.0, ..moment() };
    assert!(empty.line().contains("(0 %)"), "{}", empty.line());
}

#[test]
fn durations_have_two_units_at_most() {
    let shown = [0.2, 59.0, 200.0, 7500.0].map(duration);
    assert_eq!(shown, ["1 s", "59 s", "3 min 20 s", "2 h 5 min"]);
}
