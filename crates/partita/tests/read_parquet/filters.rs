//! A filter that is pushed down keeps the rows that it keeps above.

use proptest::prelude::*;

use super::*;

/// A comparison of a column with a value that is in it, or near.
fn leaf() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    prop_oneof![
        (op.clone(), -10..1100_i64).prop_map(|(op, id)| format!("id {op} {id}")),
        (op.clone(), -60..1000_i64).prop_map(|(op, fare)| format!("fare {op} {fare}.25")),
        (op.clone(), -60..1000_i64).prop_map(|(op, price)| format!("price {op} {price}.25")),
        (op.clone(), 1..29_u32).prop_map(|(op, day)| format!("day {op} '2024-01-{day:02}'")),
        (op.clone(), 0..24_u32).prop_map(|(op, hour)| format!("at {op} '2024-01-01 {hour:02}:30:00'")),
        (op, prop::sample::select(vec!["north", "south", "oz", "", "zzz"]))
            .prop_map(|(op, zone)| format!("zone {op} '{zone}'")),
        (0..1000_u32).prop_map(|note| format!("note = 'note {note}, of its own'")),
        prop::sample::select(vec![
            "zone in ('north', 'oz')",
            "zone in ('east', null)",
            "zone like '%o%th'",
            "not (zone like 's%')",
            "zone between 'f' and 'o'",
            "zone > 'f' or zone is null",
            "(zone = 'north') = (zone <> 'south')",
            "(zone = 'north') is null",
            "coalesce(zone, 'north') = 'north'",
            "note > zone",
            "note like '%7, of%'",
            "try_cast(zone as bigint) is null and id < 500",
        ])
        .prop_map(str::to_owned),
        Just("paid".to_owned()),
        Just("not paid".to_owned()),
        prop::sample::select(vec!["id", "zone", "note", "fare", "price", "paid", "day"])
            .prop_map(|column| format!("{column} is null")),
        prop::collection::vec(-5..1050_i64, 1..4).prop_map(|ids| format!(
            "id in ({})",
            ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
        )),
        (0..1000_i64, 0..200_i64).prop_map(|(from, more)| format!("id between {from} and {}", from + more)),
        (0..7_i64).prop_map(|rest| format!("id % 7 = {rest}")),
        (-100..1000_i64).prop_map(|fare| format!("fare * 2 > {fare}")),
    ]
}

fn predicate() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|of| format!("(not ({of}))")),
        ]
    })
}

/// The frames to ask: from pages, row groups, files and folders.
fn frames(folder: &Path, session: &Session) -> (DataFrame, Vec<DataFrame>) {
    let input = written_csv(folder, 1000);
    let plain = session.read_csv(&input).load().unwrap();
    // Few of them, so that their dictionary is asked.
    let price = expr("cast(floor(fare / 9) * 9 + 0.25 as decimal(12, 2))").unwrap();
    let plain = plain.with_column("price", price);
    let (parts, folders) = (folder.join("parts"), folder.join("folders"));
    plain.to_parquet(&parts).row_group_rows(130).page_rows(10).write().unwrap();
    let sorted = plain.to_parquet(&folders).partition_on(["zone"]).row_group_rows(60).page_rows(20);
    sorted.write().unwrap();
    let frames = vec![
        session.read_parquet(&parts).load().unwrap(),
        session.read_parquet(&parts).split_row_groups(1).load().unwrap(),
        session.read_parquet(&folders).load().unwrap(),
        session.read_parquet(&folders).same_schema(true).split_row_groups(false).load().unwrap(),
    ];
    (plain.persist().unwrap(), frames)
}

#[test]
fn pushed_filters_keep_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_of("256MiB", Scheduler::SingleThreaded, 1);
    let (plain, frames) = frames(folder.path(), &session);
    let config = ProptestConfig { cases: 96, ..ProptestConfig::default() };
    let ids = |frame: &DataFrame| {
        let rows = frame.select(["id", "note"]).compute().unwrap();
        let mut ids: Vec<i64> = rows.column("id").unwrap().i64().unwrap().iter().flatten().collect();
        ids.sort_unstable();
        ids
    };
    proptest!(config, |(text in predicate())| {
        let predicate = expr(&text).unwrap();
        // A stored frame takes no filter: this one is above it.
        let expected = ids(&plain.filter(predicate.clone()));
        for (number, frame) in frames.iter().enumerate() {
            prop_assert_eq!(&ids(&frame.filter(predicate.clone())), &expected, "frame {}: {}", number, &text);
            prop_assert_eq!(frame.filter(predicate.clone()).len().unwrap(), expected.len() as u64, "{}", &text);
        }
    });
}
