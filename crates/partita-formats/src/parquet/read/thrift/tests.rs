use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A value as it is written.
#[derive(Debug, Clone)]
enum Value {
    Flag(bool),
    Byte(u8),
    Number(i64),
    Double(f64),
    Binary(Vec<u8>),
    List(u8, Vec<Value>),
    /// Each with the distance of its number from the one before.
    Struct(Vec<(u8, Value)>),
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Flag),
        any::<u8>().prop_map(Value::Byte),
        any::<i64>().prop_map(Value::Number),
        (-70_i64..70).prop_map(Value::Number),
        any::<f64>().prop_map(Value::Double),
        vec(any::<u8>(), 0..200).prop_map(Value::Binary),
        vec((-9_i64..900).prop_map(Value::Number), 0..20).prop_map(|numbers| Value::List(I64, numbers)),
        vec(any::<bool>().prop_map(Value::Flag), 0..20).prop_map(|flags| Value::List(TRUE, flags)),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| vec((1_u8..16, inner), 0..8).prop_map(Value::Struct))
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Flag(true) => TRUE,
        Value::Flag(false) => FALSE,
        Value::Byte(_) => BYTE,
        Value::Number(_) => I64,
        Value::Double(_) => DOUBLE,
        Value::Binary(_) => BINARY,
        Value::List(..) => LIST,
        Value::Struct(_) => STRUCT,
    }
}

fn write(value: &Value, is_element: bool, out: &mut Vec<u8>) {
    match value {
        Value::Flag(_) if !is_element => {}
        Value::Flag(flag) => out.push(if *flag { TRUE } else { FALSE }),
        Value::Byte(byte) => out.push(*byte),
        Value::Number(number) => varint((number << 1 ^ number >> 63) as u64, out),
        Value::Double(number) => out.extend(number.to_le_bytes()),
        Value::Binary(bytes) => {
            varint(bytes.len() as u64, out);
            out.extend(bytes);
        }
        Value::List(kind, values) => {
            if values.len() < 15 {
                out.push((values.len() as u8) << 4 | kind);
            } else {
                out.push(0xf0 | kind);
                varint(values.len() as u64, out);
            }
            values.iter().for_each(|value| write(value, true, out));
        }
        Value::Struct(fields) => {
            for (delta, value) in fields {
                out.push(delta << 4 | kind(value));
                write(value, false, out);
            }
            out.push(0);
        }
    }
}

fn slow(bytes: &[u8], kind: u8) -> Option<usize> {
    let mut thrift = Thrift::new(bytes);
    thrift.skip_within(kind, DEPTH_MAX, false).ok().map(|()| thrift.at)
}

proptest! {
    #[test]
    fn what_is_written_is_passed_over(value in value(), behind in vec(any::<u8>(), 0..12)) {
        let mut bytes = Vec::new();
        write(&value, false, &mut bytes);
        let end = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(pass(&bytes, 0, kind(&value), (DEPTH_MAX, false)), Some(end));
        prop_assert_eq!(slow(&bytes, kind(&value)), Some(end));
        for end in 0..end {
            prop_assert_eq!(pass(&bytes[..end], 0, kind(&value), (DEPTH_MAX, false)), None);
            prop_assert!(Thrift::new(&bytes[..end]).skip(kind(&value)).is_err());
        }
    }

    #[test]
    fn any_bytes_are_passed_over_as_the_slow_way_does(bytes in vec(any::<u8>(), 0..60), kind in 0_u8..16) {
        if let Some(end) = pass(&bytes, 0, kind, (DEPTH_MAX, false)) {
            prop_assert_eq!(slow(&bytes, kind), Some(end));
        }
        let mut thrift = Thrift::new(&bytes);
        let skipped = thrift.skip(kind).ok().map(|()| thrift.at);
        prop_assert_eq!(skipped, slow(&bytes, kind));
    }
}

#[test]
fn structures_within_each_other_have_an_end() {
    let bytes = vec![0x1c; 1000];
    assert_eq!(pass(&bytes, 0, STRUCT, (DEPTH_MAX, false)), None);
    let expected = Thrift::new(&bytes).skip(STRUCT).map_err(String::from).err().unwrap_or_default();
    assert!(expected.contains("no more than 64 structures within each other"), "{expected}");
}
