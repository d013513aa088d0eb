//! Functions with every kind of parameter.

use crate::{Attr, Function, FunctionError, Parameter, Signature, Type};

/// Joins texts. It fails, panics and leaves the result open on demand.
pub(in crate::testing) struct Join;

impl Function for Join {
    type Arguments = (Option<String>, Attr<String>, Vec<String>);
    type Output = Attr<String>;

    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> Signature {
        let separator = Parameter::new("separator", Type::String).allow_null();
        let first = Parameter::new("first", Type::String).allow_unknown();
        Signature::new("Joins texts.", Type::String)
            .describe("Joins *texts*.")
            .parameter(separator.describe("What comes between."))
            .parameter(first)
            .variadic(Parameter::new("others", Type::String))
    }

    fn call(
        &self,
        (separator, first, others): Self::Arguments,
    ) -> Result<Attr<String>, FunctionError> {
        assert!(!others.iter().any(|text| text == "panic"), "a bad text");
        if let Some(bad) = others.iter().position(String::is_empty) {
            return Err(FunctionError::new("it must not be empty").at(2 + bad));
        }
        let separator = separator.unwrap_or_default();
        Ok(first.map(|first| {
            let mut all = vec![first];
            all.extend(others);
            all.join(&separator)
        }))
    }
}

/// Something without parameters.
pub(in crate::testing) struct Answer;

impl Function for Answer {
    type Arguments = ();
    type Output = i64;

    fn name(&self) -> &'static str {
        "answer"
    }

    fn signature(&self) -> Signature {
        Signature::new("", Type::Number).deprecated("Ask again.")
    }

    fn call(&self, (): ()) -> Result<i64, FunctionError> {
        Ok(42)
    }
}
