//! Exact decimal numbers.
//!
//! Terraform computes with 512-bit floats and sends decimal text where a machine number would lose
//! digits, so an `f64` in between would show up as an inconsistent result.

use std::{fmt, str::FromStr};

use bigdecimal::{BigDecimal, ToPrimitive};

use crate::limits::{MAX_NUMBER_EXPONENT, MAX_NUMBER_TEXT};

/// A decimal number without loss. Equality and order are by value: 1.0 equals 1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(BigDecimal);

/// Text is not a number, or not one that is held here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of at most {MAX_NUMBER_TEXT} digits")]
pub struct InvalidNumber;

impl Number {
    /// The number as a signed integer, when it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if self.0.is_integer() {
            self.0.to_i64()
        } else {
            None
        }
    }

    /// The number as an unsigned integer, when it is one.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.0.is_integer() {
            self.0.to_u64()
        } else {
            None
        }
    }

    /// The nearest `f64`.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.sign() == bigdecimal::num_bigint::Sign::Minus
    }

    /// The exact value of a finite float, as it is in binary. This is how hosts mean a float.
    ///
    /// # Errors
    /// When the float is infinite or not a number.
    pub fn from_binary(value: f64) -> Result<Self, InvalidNumber> {
        if !value.is_finite() {
            return Err(InvalidNumber);
        }
        let exact = BigDecimal::try_from(value).map_err(|_| InvalidNumber)?;
        Ok(Self(exact.normalized()))
    }

    /// The shortest decimal that reads back as this float. This is how people mean a float.
    ///
    /// # Errors
    /// When the float is infinite or not a number.
    pub fn from_shortest(value: f64) -> Result<Self, InvalidNumber> {
        if !value.is_finite() {
            return Err(InvalidNumber);
        }
        format!("{value:e}").parse()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(BigDecimal::from(value).normalized())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(BigDecimal::from(value).normalized())
    }
}

impl FromStr for Number {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, InvalidNumber> {
        if text.len() > MAX_NUMBER_TEXT || !text.bytes().all(is_number_byte) {
            return Err(InvalidNumber);
        }
        let number = BigDecimal::from_str(text).map_err(|_| InvalidNumber)?;
        let limit = MAX_NUMBER_EXPONENT + MAX_NUMBER_TEXT as i64;
        if number.fractional_digit_count().unsigned_abs() > limit.unsigned_abs() {
            return Err(InvalidNumber);
        }
        Ok(Self(number.normalized()))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_plain_string(f)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Keeps out the underscores and names that the decimal parser would accept.
fn is_number_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_exact_and_compared_by_value() {
        let parse = |text: &str| text.parse::<Number>().unwrap();
        assert_eq!(parse("1.0"), parse("1"));
        assert_eq!(parse("0.1").to_string(), "0.1");
        assert_eq!(
            parse("12345678901234567890").to_string(),
            "12345678901234567890"
        );
        assert_eq!(parse("1e3").to_string(), "1000");
        assert!(parse("-2") < parse("0.5"));
    }

    #[test]
    fn floats_have_two_readings() {
        assert_eq!(Number::from_shortest(0.1).unwrap().to_string(), "0.1");
        assert_ne!(
            Number::from_binary(0.1).unwrap(),
            Number::from_shortest(0.1).unwrap()
        );
        assert_eq!(Number::from_binary(1.5).unwrap().to_string(), "1.5");
        assert!(Number::from_binary(f64::INFINITY).is_err());
        assert!(Number::from_binary(f64::MIN_POSITIVE).is_ok());
    }

    #[test]
    fn absurd_numbers_are_refused_without_being_built() {
        for text in [
            "1e999999999",
            "1e-999999999",
            "",
            "1_000",
            "NaN",
            "0x10",
            "1e99999999999999999999",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text:?} was accepted");
        }
        assert!("9".repeat(MAX_NUMBER_TEXT + 1).parse::<Number>().is_err());
    }
}
