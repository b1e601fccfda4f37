//! Every pair of tokens that stands on each other reads well: WCAG 2 contrast of 4.5 for words, 3
//! for edges, dots and rings, in both themes. Hairlines (`line`, `line-strong`) are decoration:
//! nothing is known only by them.

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../../style/tokens.css");
const WORDS: f64 = 4.5;
const EDGES: f64 = 3.0;

const PLANES: [&str; 4] = ["bg", "surface", "sunken", "raised"];
const STATES: [&str; 6] = ["ok", "warn", "bad", "info", "pause", "rest"];

/// Foreground, ground, need.
fn pairs() -> Vec<(String, String, f64)> {
    let mut pairs = Vec::new();
    let mut put = |front: &str, ground: &str, need| {
        pairs.push((front.to_owned(), ground.to_owned(), need));
    };
    for ground in PLANES.into_iter().chain(["hover", "accent-tint"]) {
        for front in ["text", "text-2", "text-3", "accent-text"] {
            put(front, ground, WORDS);
        }
    }
    for front in ["text", "text-2"] {
        put(front, "accent-fade", WORDS);
    }
    for (front, ground) in [
        ("accent-ink", "accent"),
        ("accent-ink", "accent-hover"),
        ("bad-solid-ink", "bad-solid"),
        ("bad-solid-ink", "bad-solid-hover"),
        ("text-2", "rest-tint"),
    ] {
        put(front, ground, WORDS);
    }
    for tint in ["info-tint", "bad-tint", "warn-tint"] {
        for front in ["text", "text-2", "accent-text"] {
            put(front, tint, WORDS);
        }
    }
    for state in STATES {
        let tint = format!("{state}-tint");
        for ground in [
            tint.as_str(),
            "surface",
            "bg",
            "hover",
            "accent-tint",
            "raised",
        ] {
            put(&format!("{state}-ink"), ground, WORDS);
        }
        for ground in [tint.as_str(), "surface", "bg", "accent-tint", "raised"] {
            put(&format!("{state}-edge"), ground, EDGES);
        }
    }
    for ground in PLANES.into_iter().chain(["accent-tint"]) {
        put("edge", ground, EDGES);
        put("focus", ground, EDGES);
        put("accent", ground, EDGES);
    }
    for (front, ground) in [
        ("brass", "bg"),
        ("brass", "surface"),
        ("bad-solid", "surface"),
        ("bad-solid", "raised"),
    ] {
        put(front, ground, EDGES);
    }
    pairs
}

#[test]
fn every_pair_reads_well_in_both_themes() {
    let tokens = parse(TOKENS);
    let mut failures = Vec::new();
    for (front, ground, need) in pairs() {
        for (theme, pick) in [("light", 0_usize), ("dark", 1)] {
            let colour = |name: &str| {
                tokens
                    .get(name)
                    .unwrap_or_else(|| panic!("no token --{name}"))[pick]
            };
            let ratio = contrast(colour(&front), colour(&ground));
            if ratio < need {
                failures.push(format!(
                    "{front} on {ground}, {theme}: {ratio:.2}, needs {need}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_arithmetic_agrees_with_known_colours() {
    let tokens = parse(TOKENS);
    // Measured by an independent tool when the tokens were drawn.
    let known = [
        ("text", "bg", [15.86, 15.72]),
        ("text-3", "sunken", [4.86, 6.55]),
        ("rest-edge", "accent-tint", [3.28, 3.77]),
    ];
    for (front, ground, ratios) in known {
        for (pick, expected) in ratios.into_iter().enumerate() {
            let ratio = contrast(tokens[front][pick], tokens[ground][pick]);
            assert!(
                (ratio - expected).abs() < 0.03,
                "{front} on {ground}: {ratio} {expected}"
            );
        }
    }
}

#[test]
fn no_other_file_names_a_colour() {
    let styles = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../style");
    for entry in std::fs::read_dir(styles).expect("the folder style") {
        let path = entry.expect("an entry").path();
        if path.ends_with("tokens.css") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable style");
        for word in ["#", "rgb(", "hsl(", "oklch(", "white;", "black;"] {
            let named = text
                .lines()
                .filter(|line| line.contains(':'))
                .any(|l| l.contains(word));
            assert!(!named, "{} names a colour: {word}", path.display());
        }
    }
}

/// Light and dark value of each colour token.
fn parse(css: &str) -> BTreeMap<String, [[f64; 3]; 2]> {
    let line = |line: &str| {
        let (name, value) = line
            .trim()
            .strip_prefix("--")?
            .split_once(": light-dark(")?;
        let colours: Vec<[f64; 3]> = value
            .split("oklch(")
            .skip(1)
            .filter_map(|it| oklch(it.split(')').next()?))
            .collect();
        Some((name.to_owned(), [*colours.first()?, *colours.get(1)?]))
    };
    css.lines().filter_map(line).collect()
}

/// Lightness, chroma and hue as 8-bit sRGB in 0..=1, which is what a screen shows.
fn oklch(text: &str) -> Option<[f64; 3]> {
    let numbers: Vec<f64> = text
        .split([' ', '/'])
        .filter_map(|number| number.parse().ok())
        .collect();
    let [lightness, chroma, hue, ..] = numbers[..] else {
        return None;
    };
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let middle = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * middle + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * middle - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * middle + 1.707_614_701 * short,
    ];
    Some(linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let encoded = if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (encoded * 255.0).round() / 255.0
    }))
}

fn contrast(front: [f64; 3], ground: [f64; 3]) -> f64 {
    let (front, ground) = (luminance(front), luminance(ground));
    (front.max(ground) + 0.05) / (front.min(ground) + 0.05)
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|value| {
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
