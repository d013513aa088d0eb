//! What a page of a function has in place of a schema: how it is called, and what with.

use crate::schema::{Function, Parameter, type_name, type_word};
use crate::wrap::wrap;

/// The signature and the arguments.
pub(crate) fn usage(name: &str, function: &Function) -> String {
    let mut text = format!(
        "## Signature\n\n```text\n{}\n```\n\n## Arguments\n\n",
        signature(name, function)
    );
    for parameter in &function.parameters {
        text.push_str(&argument(parameter, &[]));
    }
    if let Some(parameter) = &function.variadic_parameter {
        text.push_str(&argument(parameter, &["Variadic"]));
    }
    if function.parameters.is_empty() && function.variadic_parameter.is_none() {
        text.push_str("It takes none.\n");
    }
    text
}

fn signature(name: &str, function: &Function) -> String {
    let fixed = function
        .parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.name, type_word(&parameter.type_)));
    let variadic = function
        .variadic_parameter
        .iter()
        .map(|parameter| format!("{} {}...", parameter.name, type_word(&parameter.type_)));
    let parameters: Vec<String> = fixed.chain(variadic).collect();
    let returned = type_word(&function.return_type);
    format!("{name}({}) {returned}", parameters.join(", "))
}

fn argument(parameter: &Parameter, words: &[&str]) -> String {
    let type_ = type_name(&parameter.type_);
    let nullable = parameter.is_nullable.then_some("Nullable");
    let words: Vec<&str> = words
        .iter()
        .copied()
        .chain([type_.as_str()])
        .chain(nullable)
        .collect();
    let text = format!(
        "`{}` ({}) {}",
        parameter.name,
        words.join(", "),
        parameter.description
    );
    format!("1. {}\n", wrap(&text, "   "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_says_how_it_is_called() {
        let function: Function = serde_json::from_value(json!({
            "return_type": ["list", "string"],
            "parameters": [{"name": "plan", "type": "dynamic", "is_nullable": true, "description": "A plan."}],
            "variadic_parameter": {"name": "rest", "type": "number", "description": "More."}
        }))
        .unwrap();
        assert_eq!(
            usage("order", &function),
            "## Signature\n\n```text\norder(plan dynamic, rest number...) list of string\n```\n\n## Arguments\n\n\
             1. `plan` (Dynamic, Nullable) A plan.\n1. `rest` (Variadic, Number) More.\n"
        );
    }
}
