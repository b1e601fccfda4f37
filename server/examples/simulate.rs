//! Walks histories of the delivery rules, on every processor: `cargo xtask simulate`.
//!
//! `simulate [histories] [first seed]`. A failing history is printed whole, with its seed.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bellhop::simulation::{Failure, Tally, walk};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(histories)), Some(Ok(first))) = (arguments.next(), arguments.next()) else {
        eprintln!("simulate HISTORIES FIRST_SEED");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let found: Mutex<Option<Failure>> = Mutex::new(None);
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Tally::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        break;
                    }
                    match walk(first.wrapping_add(number)) {
                        Ok(one) => own.add(&one),
                        Err(failure) => {
                            next.store(histories, Ordering::Relaxed);
                            if let Ok(mut found) = found.lock() {
                                found.get_or_insert(failure);
                            }
                        }
                    }
                }
                if let Ok(mut tally) = tally.lock() {
                    tally.add(&own);
                }
            });
        }
    });
    if let Ok(Some(failure)) = found.into_inner() {
        eprintln!("{failure}");
        return ExitCode::FAILURE;
    }
    let tally = tally.into_inner().unwrap_or_default();
    println!(
        "{histories} histories from seed {first} in {:.0} s, none failed",
        begun.elapsed().as_secs_f64()
    );
    println!("{tally}");
    ExitCode::SUCCESS
}
