//! Provider functions: the trait that declares one.
//!
//! A function is pure: it has no client, no clock and no side effects, and the same arguments always
//! give the same result. Hosts call it before the provider is configured, and more than once.

pub mod signature;

use serde::{Serialize, de::DeserializeOwned};

pub use signature::{Parameter, Signature};

use crate::{
    path::{Path, Step},
    value::{ConversionError, Value, mismatch::IT, shape::Shape},
};

/// A provider function, called as `provider::NAME::FUNCTION(...)`. Needs Terraform 1.8 or OpenTofu 1.7.
///
/// ```
/// use tfplugin::{Function, FunctionError, Parameter, Signature, Type};
///
/// struct Repeat;
///
/// impl Function for Repeat {
///     type Arguments = (String, usize);
///     type Output = String;
///
///     fn name(&self) -> &'static str {
///         "repeat"
///     }
///
///     fn signature(&self) -> Signature {
///         Signature::new("Repeats a text.", Type::String)
///             .parameter(Parameter::new("text", Type::String).describe("What to repeat."))
///             .parameter(Parameter::new("times", Type::Number).describe("At most 9."))
///     }
///
///     fn call(&self, (text, times): (String, usize)) -> Result<String, FunctionError> {
///         if times > 9 {
///             return Err(FunctionError::new("it must be at most 9").at(1));
///         }
///         Ok(text.repeat(times))
///     }
/// }
/// ```
pub trait Function: Send + Sync + 'static {
    /// The arguments: a tuple in the order of the parameters, or a struct whose fields are named like
    /// them, or `()`. The variadic parameter comes last, as a `Vec`.
    ///
    /// A parameter that allows null is an `Option` or an [`Attr`](crate::Attr) here, and one that allows
    /// unknown values an `Attr`.
    type Arguments: DeserializeOwned;
    /// The result. An [`Attr`](crate::Attr) can also be null, or unknown when an argument is.
    type Output: Serialize;

    /// The name, without the provider's prefix.
    fn name(&self) -> &'static str;

    /// The parameters and the return type. It is asked for once.
    fn signature(&self) -> Signature;

    /// Computes the result.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn call(&self, arguments: Self::Arguments) -> Result<Self::Output, FunctionError>;
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// What is wrong and what to do about it. Hosts show it after the name of the function or the argument.
    pub text: String,
    /// Which argument is wrong, counted from zero; none for all of them together.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error about the whole call.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: None,
        }
    }

    /// The same error about one argument, counted from zero. Each variadic argument counts.
    #[must_use]
    pub fn at(mut self, argument: usize) -> Self {
        self.argument = Some(argument);
        self
    }
}

/// A function whose types are no longer visible.
pub(crate) trait DynFunction: Send + Sync {
    fn signature(&self) -> &Signature;
    /// Everything that hosts would refuse, and what the arguments cannot hold.
    fn broken(&self) -> Vec<String>;
    /// Calls with one value for each parameter, the variadic one being a list.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// Hides the types of a function.
pub(crate) struct Typed<F> {
    function: F,
    signature: Signature,
}

impl<F: Function> Typed<F> {
    pub(crate) fn new(function: F) -> Self {
        Self {
            signature: function.signature(),
            function,
        }
    }
}

impl<F: Function> DynFunction for Typed<F> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn broken(&self) -> Vec<String> {
        let mut found = self.signature.check(self.function.name());
        found.extend(gaps(&self.signature, &Shape::of::<F::Arguments>()));
        found
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let shaped = match Shape::of::<F::Arguments>() {
            Shape::Fields(_) => Value::object(self.signature.names().zip(arguments)),
            Shape::Nothing => Value::Null,
            Shape::Sequence(_) | Shape::Other => Value::Tuple(arguments),
        };
        let arguments = shaped
            .to_model()
            .map_err(|error| misfit(&self.signature, &error))?;
        let output = self.function.call(arguments)?;
        Value::from_model(&output, &self.signature.returns)
            .map_err(|error| mistake(&format!("the result does not fit: {error}")))
    }
}

/// What does not fit between the parameters and the Rust type of the arguments.
fn gaps(signature: &Signature, shape: &Shape) -> Vec<String> {
    let expected = signature.names().count();
    let found = match shape {
        Shape::Fields(fields) => {
            let missing = signature.names().filter(|name| !fields.contains(name));
            return missing
                .map(|name| format!("the arguments have no field for {name}"))
                .collect();
        }
        Shape::Sequence(Some(length)) => *length,
        Shape::Nothing => 0,
        // Hosts and not the framework would have to count these.
        Shape::Sequence(None) | Shape::Other => return Vec::new(),
    };
    if found == expected {
        Vec::new()
    } else {
        vec![format!(
            "the arguments hold {found} values, but there are {expected} parameters"
        )]
    }
}

/// A value that the Rust type of the arguments has no room for, such as a number with a fraction.
fn misfit(signature: &Signature, error: &ConversionError) -> FunctionError {
    let mut steps = error.path.steps().iter().peekable();
    let position = match steps.next() {
        Some(Step::Index(index)) => Some(*index),
        Some(Step::Attribute(name)) => signature.names().position(|other| other == name),
        _ => None,
    };
    let Some(position) = position else {
        return FunctionError::new(&error.reason);
    };
    // Past the parameters the steps lead through the list of variadic arguments.
    let within = match steps.peek() {
        Some(Step::Index(index)) if position == signature.parameters.len() => Some(*index),
        _ => None,
    };
    if within.is_some() {
        steps.next();
    }
    let place = steps.fold(Path::root(), |path, step| path.step(step.clone()));
    let text = match error.reason.strip_prefix(IT) {
        _ if place == Path::root() => error.reason.clone(),
        Some(rule) => format!("{place} {rule}"),
        None => format!("{place}: {}", error.reason),
    };
    FunctionError::new(text).at(position + within.unwrap_or(0))
}

fn mistake(what: &str) -> FunctionError {
    FunctionError::new(format!(
        "{what}. This is a mistake in the provider: please report it."
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{Attr, Type};

    #[derive(Deserialize)]
    struct Named {
        b: i64,
        a: String,
        rest: Vec<i64>,
    }

    struct ByName;

    impl Function for ByName {
        type Arguments = Named;
        type Output = String;

        fn name(&self) -> &'static str {
            "by_name"
        }

        fn signature(&self) -> Signature {
            Signature::new("", Type::String)
                .parameter(Parameter::new("a", Type::String))
                .parameter(Parameter::new("b", Type::Number))
                .variadic(Parameter::new("rest", Type::Number))
        }

        fn call(&self, arguments: Named) -> Result<String, FunctionError> {
            Ok(format!(
                "{} {} {:?}",
                arguments.a, arguments.b, arguments.rest
            ))
        }
    }

    #[test]
    fn a_struct_is_filled_by_name_and_a_misfit_names_its_argument() {
        let function = Typed::new(ByName);
        assert!(function.broken().is_empty(), "{:?}", function.broken());
        let rest = |items: &[Value]| Value::List(items.to_vec());
        let call = |b: Value, rest: Value| function.call(vec!["x".into(), b, rest]);
        let good = call(Value::from(1), rest(&[Value::from(2), Value::from(3)]));
        assert_eq!(good, Ok("x 1 [2, 3]".into()));
        let half = Value::Number("0.5".parse().unwrap());
        let bad = call(half.clone(), rest(&[])).unwrap_err();
        assert_eq!(bad.argument, Some(1), "{bad}");
        let bad = call(Value::from(1), rest(&[Value::from(2), half])).unwrap_err();
        assert_eq!(bad.argument, Some(3), "{bad}");
    }

    struct Odd;

    impl Function for Odd {
        type Arguments = (Attr<String>,);
        type Output = i64;

        fn name(&self) -> &'static str {
            "9odd"
        }

        fn signature(&self) -> Signature {
            Signature::new("", Type::String)
                .parameter(Parameter::new("a", Type::String))
                .parameter(Parameter::new("a", Type::set(Type::Dynamic)))
                .variadic(Parameter::new("a b", Type::String))
        }

        fn call(&self, _: (Attr<String>,)) -> Result<i64, FunctionError> {
            Ok(1)
        }
    }

    #[test]
    fn every_broken_rule_is_found() {
        let found = Typed::new(Odd).broken();
        assert_eq!(found.len(), 5, "{found:#?}");
        let error = Typed::new(Odd).call(vec![Value::Null]).unwrap_err();
        assert!(error.text.contains("a mistake in the provider"), "{error}");
    }
}
