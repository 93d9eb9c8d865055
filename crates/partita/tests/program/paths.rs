//! Each set of instructions gives the same bytes: the program is made to use a narrower one than the machine has.

use std::fmt::Write;
use std::fs;

use partita::arrow::array::{Array, AsArray};

use crate::random::Random;
use crate::support::{command, finish, folder_with, parts, rows, words};

/// Thirty thousand records with a column of each kind, nulls, quotes, both line ends and values of many lengths.
fn text() -> String {
    let mut random = Random(4);
    let mut text = String::from("id,small,money,measured,when,day,flag,code,said,none\n");
    for id in 0..30_000_u64 {
        let null = |random: &mut Random, text: String| if random.once_in(9) { String::new() } else { text };
        let digits = random.below(19) as u32 + 1;
        let big = random.next() % 10_u64.pow(digits);
        let cents = random.below(100_000);
        let exact = f64::from_bits(random.next() >> 2);
        let (code, said) = ("x".repeat(random.below(15)), "long ".repeat(random.below(9)));
        let fields = [
            format!("{}{big}", if random.once_in(3) { "-" } else { "" }),
            null(&mut random, format!("{}", cents % 300)),
            null(&mut random, format!("{}.{:02}", cents / 100, cents % 100)),
            null(&mut random, format!("{exact:e}")),
            null(
                &mut random,
                format!("2020-{:02}-{:02} {:02}:00:{:02}", id % 12 + 1, id % 28 + 1, id % 24, id % 60),
            ),
            format!("{:04}-02-{:02}", 1900 + id % 200, id % 28 + 1),
            null(&mut random, ["true", "false"][id as usize % 2].to_owned()),
            null(&mut random, format!("\"{code}\"")),
            format!("\"a \"\"{id}\"\",\n{said}\""),
            String::new(),
        ];
        let end = if random.once_in(4) { "\r\n" } else { "\n" };
        write!(text, "{}{end}", fields.join(",")).unwrap();
    }
    text
}

#[test]
fn every_instruction_set_writes_the_same_bytes() {
    let (folder, path) = folder_with("kinds.csv", &text());
    let mut whole = Vec::new();
    for compression in ["zstd", "snappy", "uncompressed"] {
        let mut first: Option<Vec<Vec<u8>>> = None;
        for level in ["portable", "avx2", "avx512", "neon"] {
            let target = folder.path().join(format!("{compression}-{level}"));
            let line = format!(
                "convert {{}} --to {{}} --block-size 500000 --compression {compression} --progress none"
            );
            let mut asked = command(["versions"]);
            let said = finish(asked.env("PARTITA_CPU", level).spawn().unwrap()).printed();
            assert!(level != "portable" || said.contains("cpu portable"), "{said}");
            let mut command = command(words(&line, &[&path, &target]));
            finish(command.env("PARTITA_CPU", level).spawn().unwrap()).quiet();
            let bytes = parts(&target).iter().map(|part| fs::read(part).unwrap()).collect();
            assert!(*first.get_or_insert_with(|| Vec::clone(&bytes)) == bytes, "{compression} {level}");
            whole.push(rows(&target));
        }
    }
    let ids = whole[0].column(0);
    assert_eq!((ids.len(), ids.null_count()), (30_000, 0));
    assert!(whole.iter().all(|rows| rows == &whole[0]));
    let said = whole[0].column(8).as_string::<i32>();
    assert!((0..30_000).all(|row| said.value(row).starts_with(&format!("a \"{row}\",\n"))));
}
