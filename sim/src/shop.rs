//! The small shop that every run starts with, and how its rows look in the cache.

use crate::database::Row;

/// Name, price in cents, stock.
const PRODUCTS: &[(&str, i64, i64)] = &[
    ("Olive oil, cold pressed, 1 l", 1490, 120),
    ("Sourdough rye loaf", 520, 36),
    ("Sea salt flakes, 250 g", 390, 210),
    ("Basmati rice, 5 kg", 1290, 80),
    ("Black peppercorns, 100 g", 450, 140),
    ("San Marzano tomatoes, 400 g", 240, 560),
    ("Linen tea towel", 890, 64),
    ("Cast-iron pan, 26 cm", 5900, 18),
    ("Chestnut honey, 500 g", 1150, 47),
    ("Oak chopping board", 4200, 22),
    ("Espresso beans, 1 kg", 2190, 95),
    ("Dark chocolate 85 %, 100 g", 340, 310),
    ("Red lentils, 1 kg", 360, 175),
    ("Preserving jar, 0.75 l", 310, 420),
    ("Chef's knife, 20 cm", 7900, 12),
    ("Smoked paprika, 75 g", 480, 88),
    ("Aged Gouda, 300 g", 940, 41),
    ("Jasmine tea, 125 g", 720, 103),
    ("Apple cider vinegar, 0.5 l", 410, 132),
    ("Wooden spoon, cherry", 650, 77),
    ("Rolled oats, 1 kg", 280, 260),
    ("Capers in salt, 90 g", 430, 69),
    ("Enamel saucepan, 1.5 l", 3400, 26),
    ("Quince jelly, 220 g", 560, 58),
];

/// The rows of the table `products`, ids from 1.
pub fn products() -> Vec<Row> {
    let row = |(id, &(name, price_cents, stock)): (u32, &(&str, i64, i64))| Row {
        id,
        name: name.into(),
        price_cents,
        stock,
    };
    (1..).zip(PRODUCTS).map(row).collect()
}

/// The cache key of a product.
pub fn key(product: u32) -> Vec<u8> {
    format!("product:{product}").into_bytes()
}

/// A row as the applications store it in the cache: JSON.
pub fn payload(row: &Row) -> Vec<u8> {
    let mut out = format!("{{\"id\":{},\"name\":", row.id);
    json_string(&mut out, &row.name);
    out.push_str(&format!(",\"price_cents\":{},\"stock\":{}}}", row.price_cents, row.stock));
    out.into_bytes()
}

fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_whatever_the_name() {
        let row = Row { id: 3, name: "a\"\\\n".into(), price_cents: -5, stock: 0 };
        let expected = r#"{"id":3,"name":"a\"\\\u000a","price_cents":-5,"stock":0}"#;
        assert_eq!(payload(&row), expected.as_bytes());
    }
}
