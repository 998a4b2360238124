//! Inputs from inputs: what is broken, and what is worth keeping.

use std::collections::HashSet;

use handloom_engine::rng::Rng;

/// Longest input; longer ones find no more and cost more.
const MOST_BYTES: usize = 1 << 16;

/// Most inputs that are kept.
const MOST_INPUTS: usize = 2_000;

/// Bytes that parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"\0\0\x08\x03",
    b"\x1f\x8b\x08",
    b"IHDR",
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"tRNS",
    b"\xff\xd8",
    b"\xff\xc0",
    b"\xff\xc4",
    b"\xff\xda",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"\\u0000",
    b"18446744073709551615",
    b"9223372036854775808",
    b"4294967296",
    b"0.5",
    b"F32",
    b"F64",
    b"data_offsets",
    b"\"shape\":[0]",
    b"layers.0.weight",
    b"distribution: ",
    b"parameters:",
    b"__metadata__",
    b"\n",
    b"- ",
    b": ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!",
    b"| ",
    b"? ",
    b"#",
];

/// Integers at the edges of their types.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    4,
    5,
    127,
    128,
    255,
    256,
    1024,
    32_767,
    65_535,
    65_536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Inputs worth changing: the seeds, and each that made a parser say something new.
pub struct Corpus {
    inputs: Vec<Vec<u8>>,
    seen: HashSet<String>,
    rng: Rng,
}

impl Corpus {
    /// Begins with `seeds`, which come first and unchanged.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { inputs: seeds, seen: HashSet::new(), rng: Rng::stream(seed, "fuzz", 0) }
    }

    /// A new input: one that is kept, changed in one to eight places, and half of the time repaired.
    pub fn next(&mut self, repair: fn(&mut [u8])) -> Vec<u8> {
        let mut input = self.any().clone();
        for _ in 0..1 << self.below(4) {
            self.change(&mut input);
        }
        input.truncate(MOST_BYTES);
        if self.below(2) == 0 {
            repair(&mut input);
        }
        input
    }

    /// Keeps `input` if its outcome, numbers and quoted words aside, was never seen.
    pub fn learn(&mut self, input: Vec<u8>, outcome: &str) {
        // Every second part between backticks is a quotation; what follows a double quote may be the input itself.
        let (told, _) = outcome.split_once('"').unwrap_or((outcome, ""));
        let words = told.split('`').step_by(2).flat_map(str::chars);
        let kind: String = words.filter(char::is_ascii_alphabetic).take(200).collect();
        if self.inputs.len() < MOST_INPUTS && self.seen.insert(kind) {
            self.inputs.push(input);
        }
    }

    /// Number of different kinds of outcome so far.
    pub fn outcomes(&self) -> usize {
        self.seen.len()
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u64) as usize
    }

    /// A kept input; half of the time one of the first, which are the seeds and what lies near them.
    fn any(&mut self) -> &Vec<u8> {
        let most = if self.below(2) == 0 { 32 } else { MOST_INPUTS };
        let at = self.below(self.inputs.len().min(most));
        &self.inputs[at]
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let length = input.len();
        let at = self.below(length + 1);
        let end = at + self.below((length - at).min(32) + 1);
        match self.below(9) {
            0 if at < length => input[at] ^= 1 << self.below(8),
            1 if at < length => input[at] = self.rng.bits() as u8,
            2 => input.truncate(at),
            3 => drop(input.drain(at..end)),
            4 => {
                let again = input[at..end].repeat(1 + self.below(8));
                drop(input.splice(at..at, again));
            }
            5 => {
                let token = TOKENS[self.below(TOKENS.len())];
                let end = if self.below(2) == 0 { at } else { (at + token.len()).min(length) };
                drop(input.splice(at..end, token.iter().copied()));
            }
            6 => {
                let width = 1 << self.below(4);
                let value = self.integer(input.get(at..at + width));
                let (big, little) = (value.to_be_bytes(), value.to_le_bytes());
                let bytes = if self.below(2) == 0 { &big[8 - width..] } else { &little[..width] };
                drop(input.splice(at..(at + width).min(length), bytes.iter().copied()));
            }
            7 => {
                // A number in digits, of the same length or another.
                let digits = |byte: &u8| byte.is_ascii_digit();
                let Some(start) = input[at..].iter().position(digits).map(|n| at + n) else { return };
                let count = input[start..].iter().take_while(|byte| digits(byte)).count();
                let number = self.integer(None).to_string();
                let number = if self.below(2) == 0 { number } else { format!("{number:0>count$.count$}") };
                drop(input.splice(start..start + count, number.into_bytes()));
            }
            _ => {
                let other = self.any().clone();
                let from = self.below(other.len() + 1);
                let count = self.below((other.len() - from).min(256) + 1);
                drop(input.splice(at..end, other[from..from + count].iter().copied()));
            }
        }
    }

    /// An integer: at an edge, near the one that is there, small, or any.
    fn integer(&mut self, there: Option<&[u8]>) -> u64 {
        let near = there.map(|bytes| bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)));
        let step = self.rng.below(5).wrapping_sub(2);
        match self.below(4) {
            0 => EDGES[self.below(EDGES.len())].wrapping_add(step),
            1 => near.unwrap_or_default().wrapping_add(step),
            2 => self.rng.below(300),
            _ => self.rng.bits(),
        }
    }
}

/// Sets the length of a safetensors header to where its JSON ends.
pub(crate) fn repair_safetensors(input: &mut [u8]) {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for at in 8..input.len() {
        match input[at] {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted && depth == 1 => {
                // The writer pads with spaces.
                let spaces = input[at + 1..].iter().take_while(|&&byte| byte == b' ').count();
                input[..8].copy_from_slice(&((at + 1 - 8 + spaces) as u64).to_le_bytes());
                return;
            }
            b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Sets the checksum of every chunk of a PNG file that has its length.
pub(crate) fn repair_png(input: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = input.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length;
        if input.len() < end + 4 {
            return;
        }
        let checksum = crc32(&input[at + 4..end]);
        input[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
        at = end + 4;
    }
}

/// The checksum of PNG chunks (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn repairing_a_sound_input_changes_nothing() {
        for (inputs, repair) in [
            (seeds::model(), repair_safetensors as fn(&mut [u8])),
            (seeds::checkpoint(), repair_safetensors),
            (seeds::image(), repair_png),
        ] {
            for input in inputs {
                let mut repaired = input.clone();
                repair(&mut repaired);
                assert_eq!(repaired, input);
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let inputs = || {
            let mut corpus = Corpus::new(seeds::idx(), 3);
            (0..50).map(|_| corpus.next(|_| {})).collect::<Vec<_>>()
        };
        assert_eq!(inputs(), inputs());
    }
}
