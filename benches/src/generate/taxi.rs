//! Trips like those of New York's yellow taxis in 2020: 18 columns, rows only roughly in order of pickup, a few pickups
//! years away, and a last hundredth of the rows with five empty columns, as in the published files.

use super::{Table, put};
use crate::random::{Random, Weighted};

const HEADER: &str = "VendorID,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,trip_distance,RatecodeID,\
store_and_fwd_flag,PULocationID,DOLocationID,payment_type,fare_amount,extra,mta_tax,tip_amount,tolls_amount,\
improvement_surcharge,total_amount,congestion_surcharge\n";

const ZONES: u64 = 265;
/// 1 January 2020, in days after 1970.
const YEAR_START_DAYS: i64 = 18_262;
const MONTH_DAYS: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_SECONDS: i64 = 86_400;
/// One pickup in so many is years away.
const STRAY_EVERY: u64 = 100_000;
/// Rates 1 to 6 of the published table; 99 stands for unknown.
const RATES: [u64; 6] = [1, 2, 3, 4, 5, 99];

/// The trips of one month.
#[derive(Debug)]
pub struct Taxi {
    random: Random,
    rows: u64,
    row: u64,
    start: i64,
    seconds: i64,
    zones: Vec<u64>,
    zone: Weighted,
    extra: Weighted,
    payment: Weighted,
    passengers: Weighted,
    rate: Weighted,
}

/// The amounts of one trip, in cents.
struct Fare {
    fare: i64,
    extra: i64,
    tax: i64,
    tip: i64,
    tolls: i64,
    improvement: i64,
    congestion: i64,
}

impl Fare {
    fn total(&self) -> i64 {
        self.fare + self.extra + self.tax + self.tip + self.tolls + self.improvement + self.congestion
    }
}

impl Taxi {
    /// Month 1 to 12 of 2020, with `rows` trips; other months are taken modulo 12.
    #[must_use]
    pub fn month(month: u32, rows: u64) -> Self {
        let index = (month as usize + 11) % 12;
        let days_before: i64 = MONTH_DAYS[..index].iter().sum();
        let mut random = Random::new(2020 + u64::from(month));
        let mut zones: Vec<u64> = (1..=ZONES).collect();
        for i in (1..zones.len()).rev() {
            let other = random.below(i as u64 + 1) as usize;
            zones.swap(i, other);
        }
        Self {
            random,
            rows,
            row: 0,
            start: (YEAR_START_DAYS + days_before) * DAY_SECONDS,
            seconds: MONTH_DAYS[index] * DAY_SECONDS,
            zones,
            zone: Weighted::new((1..=ZONES).map(|rank| (rank as f64).powf(-0.9))),
            extra: Weighted::new([0.3, 0.1, 0.05, 0.3, 0.2, 0.05]),
            payment: Weighted::new([0.74, 0.25, 0.006, 0.004]),
            passengers: Weighted::new([0.02, 0.71, 0.15, 0.04, 0.02, 0.035, 0.025]),
            rate: Weighted::new([0.96, 0.025, 0.003, 0.002, 0.0095, 0.0005]),
        }
    }

    /// Rows of the last hundredth lack what the meter did not send.
    fn is_incomplete(&self) -> bool {
        self.row >= self.rows - self.rows / 100
    }

    fn pickup(&mut self) -> i64 {
        let span = self.seconds as f64;
        let offset = if self.is_incomplete() {
            self.random.unit() * span
        } else {
            let even = self.row as f64 / self.rows as f64 * span;
            (even + (self.random.unit() - 0.5) * 7200.0).clamp(0.0, span - 1.0)
        };
        let stray = match self.random.below(STRAY_EVERY) {
            0 => -11 * 365 * DAY_SECONDS,
            1 => 400 * DAY_SECONDS,
            _ => 0,
        };
        self.start + offset as i64 + stray
    }

    fn fare(&mut self, distance: i64, seconds: i64, card: bool) -> Fare {
        const EXTRA: [i64; 6] = [0, 50, 100, 250, 300, 350];
        let random = &mut self.random;
        let refund = random.chance(0.003);
        // To half dollars, as the meter shows it.
        let metered =
            ((2.5 + 2.5 * distance as f64 / 100.0 + seconds as f64 / 120.0) * 2.0).round() as i64 * 50;
        let tip_percent = if card { random.pick(&[0, 10, 15, 20, 25, 30]) } else { 0 };
        Fare {
            fare: if refund { -metered } else { metered },
            extra: EXTRA[self.extra.draw(random)],
            tax: match (refund, random.chance(0.01)) {
                (true, _) => -50,
                (false, true) => 0,
                (false, false) => 50,
            },
            tip: metered * tip_percent / 100,
            tolls: if random.chance(0.05) { 612 } else { 0 },
            improvement: if refund { -30 } else { 30 },
            congestion: if random.chance(0.92) { 250 } else { 0 },
        }
    }
}

impl Table for Taxi {
    fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER.as_bytes());
    }

    fn record(&mut self, out: &mut Vec<u8>) {
        let complete = !self.is_incomplete();
        let pickup = self.pickup();
        let seconds = self.random.normal(6.5, 0.7).exp().clamp(30.0, 86_000.0) as i64;
        let distance = (self.random.normal(0.5, 0.9).exp().clamp(0.0, 120.0) * 100.0).round() as i64;
        let payment = self.payment.draw(&mut self.random) as u64 + 1;
        let fare = self.fare(distance, seconds, payment == 1);
        let random = &mut self.random;
        let vendor = if random.chance(0.33) { 1 } else { 2 };
        let passengers = self.passengers.draw(random) as u64;
        let rate = RATES[self.rate.draw(random)];
        let flag = if random.chance(0.01) { "Y" } else { "N" };
        let (from, to) = (self.zones[self.zone.draw(random)], self.zones[self.zone.draw(random)]);

        let known = |out: &mut Vec<u8>, value: u64| {
            if complete {
                put(out, format_args!("{value}"));
            }
            out.push(b',');
        };
        known(out, vendor);
        timestamp(out, pickup);
        timestamp(out, pickup + seconds);
        known(out, passengers);
        money(out, distance);
        known(out, rate);
        put(out, format_args!("{},{from},{to},", if complete { flag } else { "" }));
        known(out, payment);
        for cents in [fare.fare, fare.extra, fare.tax, fare.tip, fare.tolls, fare.improvement, fare.total()] {
            money(out, cents);
        }
        money(out, fare.congestion);
        super::end_record(out);
        self.row += 1;
    }
}

/// Hundredths without trailing zeros: `2.5`, `7`, `-0.3`; and a comma.
fn money(out: &mut Vec<u8>, cents: i64) {
    let (sign, whole, part) = (if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
    match part {
        0 => put(out, format_args!("{sign}{whole},")),
        _ if part % 10 == 0 => put(out, format_args!("{sign}{whole}.{},", part / 10)),
        _ => put(out, format_args!("{sign}{whole}.{part:02},")),
    }
}

/// `2020-01-31 23:59:59` and a comma; the date by Howard Hinnant's `civil_from_days`.
fn timestamp(out: &mut Vec<u8>, seconds: i64) {
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    put(out, format_args!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02},", second % 60));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_are_printed_as_published() {
        let mut out = Vec::new();
        [0, 700, 250, -30, 612, 5, -1205].into_iter().for_each(|cents| money(&mut out, cents));
        timestamp(&mut out, 1_577_836_799);
        timestamp(&mut out, 1_582_934_400);
        let expected = "0,7,2.5,-0.3,6.12,0.05,-12.05,2019-12-31 23:59:59,2020-02-29 00:00:00,";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn the_last_hundredth_is_incomplete() {
        let csv = super::super::to_vec(&mut Taxi::month(2, 1000), 1000);
        let text = String::from_utf8_lossy(&csv);
        let empty: Vec<usize> = text.lines().map(|l| l.split(',').filter(|f| f.is_empty()).count()).collect();
        assert_eq!(empty[..991], [0; 991]);
        assert_eq!(empty[991..], [5; 10]);
    }
}
