//! Names, as the people of three towns have them. Nobody here is anybody.

/// Given names and family names that go together.
pub(super) type Culture = (&'static [&'static str], &'static [&'static str]);

/// Around Leeds.
pub(super) const LEEDS: &[Culture] = &[
    (
        &[
            "Oliver",
            "Charlotte",
            "Harry",
            "Megan",
            "Callum",
            "Beth",
            "Jack",
            "Eleanor",
            "Lewis",
        ],
        &[
            "Ashworth",
            "Whitaker",
            "Booth",
            "Hargreaves",
            "Sutcliffe",
            "Barraclough",
            "Naylor",
        ],
    ),
    (
        &["Aoife", "Cian", "Niamh", "Oisín", "Róisín", "Declan"],
        &[
            "Byrne",
            "Gallagher",
            "Ó Murchú",
            "Doherty",
            "Mac Giolla Bhríde",
        ],
    ),
    (
        &[
            "Agnieszka",
            "Paweł",
            "Katarzyna",
            "Łukasz",
            "Małgorzata",
            "Grzegorz",
        ],
        &[
            "Nowak",
            "Wójcik",
            "Kowalczyk",
            "Mazur",
            "Krawczyk",
            "Szczepaniak",
        ],
    ),
    (
        &[
            "Kofi", "Abena", "Kwame", "Ama", "Chidinma", "Emeka", "Adaeze", "Tunde",
        ],
        &[
            "Mensah", "Boateng", "Asante", "Owusu", "Okafor", "Adeyemi", "Nwosu",
        ],
    ),
    (
        &["Ayesha", "Imran", "Zainab", "Bilal", "Hamza", "Saima"],
        &["Hussain", "Mahmood", "Akhtar", "Iqbal", "Chaudhry"],
    ),
    (
        &["Harpreet", "Manpreet", "Jaswinder", "Sukhdeep"],
        &["Gill", "Sandhu", "Dhaliwal", "Bains"],
    ),
    (
        &["Ioana", "Andrei", "Ștefan", "Mădălina", "Răzvan"],
        &["Popescu", "Ionescu", "Munteanu", "Țurcanu"],
    ),
];

/// Around Rotterdam.
pub(super) const ROTTERDAM: &[Culture] = &[
    (
        &[
            "Sanne", "Daan", "Femke", "Joris", "Lotte", "Thijs", "Maaike", "Wouter",
        ],
        &[
            "de Vries",
            "van den Berg",
            "Bakker",
            "Jansen",
            "van der Meer",
            "ten Brink",
        ],
    ),
    (
        &["Emre", "Elif", "Mehmet", "Zeynep", "Burak", "Ayşe"],
        &["Yılmaz", "Demir", "Kaya", "Çelik", "Şahin", "Öztürk"],
    ),
    (
        &["Youssef", "Khadija", "Karim", "Naima", "Soufiane", "Hafsa"],
        &["El Amrani", "Benali", "Bouzidi", "Ait Taleb", "Chakir"],
    ),
    (
        &["Shanti", "Dwight", "Radjesh", "Gwendolyn"],
        &["Ramdin", "Wijngaarde", "Pinas", "Mohan"],
    ),
    (
        &["Ivone", "Nélson", "Dulce", "Adilson", "João"],
        &["Tavares", "Semedo", "Évora", "Monteiro"],
    ),
    (
        &["Mei Ling", "Wei", "Xiaoyan", "Haoran"],
        &["Chen", "Wang", "Zhou", "Lin"],
    ),
];

/// Around Kochi.
pub(super) const KOCHI: &[Culture] = &[
    (
        &[
            "Anjali", "Vishnu", "Lakshmi", "Sreejith", "Meera", "Arun", "Divya", "Jithin", "Reshma",
        ],
        &[
            "Menon",
            "Nair",
            "Kurup",
            "Varghese",
            "Panicker",
            "Kurian",
            "Namboothiri",
        ],
    ),
    (
        &["Fathima", "Shameer", "Nazeera", "Rashid"],
        &["Koya", "Moideen", "Kunju", "Marakkar"],
    ),
    (
        &["Karthik", "Kavitha", "Senthil", "Priyadharshini"],
        &["Subramanian", "Murugan", "Rajendran", "Selvaraj"],
    ),
];

/// A name as an id: `Łukasz Ó Murchú` becomes `lukasz.omurchu` (first word, then the rest).
pub(super) fn handle(name: &str) -> String {
    let folded: String = name
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(plain)
        .collect();
    let mut words = folded.split(' ').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    let rest: String = words.collect();
    if rest.is_empty() {
        first
    } else {
        format!("{first}.{rest}")
    }
}

fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='z' | ' ' => letter,
        '-' => ' ',
        'à'..='å' | 'ā' | 'ă' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ę' | 'ễ' => 'e',
        'ì'..='ï' | 'ı' | 'ị' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ò'..='ö' | 'ø' | 'ō' => 'o',
        'ś' | 'ş' | 'š' | 'ș' => 's',
        'ț' => 't',
        'ù'..='ü' | 'ū' => 'u',
        'ý' => 'y',
        'ż' | 'ź' | 'ž' => 'z',
        'ğ' => 'g',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_ascii_and_readable() {
        assert_eq!(handle("Łukasz Ó Murchú"), "lukasz.omurchu");
        assert_eq!(handle("Amara"), "amara");
        assert_eq!(handle("Mei Ling Chen"), "mei.lingchen");
        for (givens, families) in [LEEDS, ROTTERDAM, KOCHI].concat() {
            for name in givens.iter().chain(families) {
                let letters = name.chars().filter(|letter| *letter != ' ').count();
                let kept = handle(name).chars().filter(|letter| *letter != '.').count();
                assert_eq!(letters, kept, "a letter of {name} has no plain form");
            }
        }
    }
}
