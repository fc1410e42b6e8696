//! .NET: `   at Shop.Cart.Add(Int32 id) in /srv/Cart.cs:line 12`, the innermost cause first.

use super::Frame;
use super::text::{base_name, without_brackets};

const LIBRARIES: &[&str] =
    &["System.", "Microsoft.", "Npgsql.", "Newtonsoft.", "Xunit.", "NUnit.", "MediatR.", "Castle.", "Azure.", "lambda_method"];

pub(crate) fn knows(line: &str) -> bool {
    frame(line).is_some()
        || line.contains("--- End of inner exception stack trace ---")
        || line.contains("--- End of stack trace from previous location")
}

pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let inner = lines.iter().position(|line| line.contains("--- End of inner exception stack trace ---"));
    lines[..inner.unwrap_or(lines.len())].iter().filter_map(|line| frame(line)).collect()
}

fn frame(line: &str) -> Option<Frame> {
    let call = line.trim().strip_prefix("at ")?;
    let open = call.find('(')?;
    let (path, rest) = call.split_at(open);
    let close = rest.find(')')?;
    let behind = &rest[close + 1..];
    let is_place = behind.is_empty() || behind.starts_with(" in ") || behind.starts_with(" [0x");
    if !is_place || path.contains([' ', '/']) || !path.contains('.') || rest[..close].contains(".java") {
        return None;
    }
    let file = behind.strip_prefix(" in ").and_then(|place| place.rsplit_once(":line ")).map_or("", |(path, _)| path);
    let in_app = !LIBRARIES.iter().any(|library| path.starts_with(library));
    let mut frame = Frame::new("", &name(path), in_app);
    frame.file = base_name(file).to_ascii_lowercase();
    Some(frame)
}

/// A method with its type. State machines and lambdas get the name of the method that they were made of.
fn name(path: &str) -> String {
    let path = without_generic_counts(path);
    let made_of = path.rsplit_once('<').and_then(|(owner, rest)| Some((owner, rest.split_once('>')?.0)));
    let name = match made_of {
        Some((owner, method)) if !method.is_empty() => format!("{}.{method}", owner_name(owner)),
        _ => path.replace(".MoveNext", ""),
    };
    let mut parts: Vec<&str> = name.rsplit(['.', '+']).filter(|part| !part.is_empty()).take(2).collect();
    parts.reverse();
    parts.join(".")
}

/// The type that a compiler-made class such as `<>c__DisplayClass3_0` lies in.
fn owner_name(owner: &str) -> &str {
    let owner = owner.split("<>c").next().unwrap_or(owner);
    owner.trim_end_matches(['.', '+', '<'])
}

/// `List`1` and `Add[T]` without the count and the arguments.
fn without_generic_counts(path: &str) -> String {
    let path = without_brackets(path, '[', ']');
    let mut out = String::with_capacity(path.len());
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '`' {
            while characters.next_if(char::is_ascii_digit).is_some() {}
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn state_machines_and_lambdas_get_their_methods_name() {
        let stack = "System.InvalidOperationException: bad\n   at System.Linq.Enumerable.First[T](IEnumerable`1 source)\n   \
                     at Shop.Cart.<AddAsync>d__7.MoveNext() in /srv/Cart.cs:line 12\n   \
                     at Shop.Cart.<>c.<Total>b__3_0(Item i) in C:\\src\\Cart.cs:line 20\n   at Shop.Program.Main(String[] args)";
        assert_eq!(in_app_frames(stack), ["cart.cs:Cart.AddAsync", "cart.cs:Cart.Total", ":Program.Main"]);
        assert_eq!(language(stack), "csharp");
    }
}
