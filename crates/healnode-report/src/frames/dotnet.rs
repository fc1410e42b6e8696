//! .NET: `   at Shop.Cart.Add(Int32 id) in /srv/Cart.cs:line 12`, the innermost cause first; Mono and Unity print it a little differently.
//!
//! A cause's trace ends where it was caught, so the frames of what it led to are its callers and follow it. A frame's file is its
//! type, which is there with and without debug symbols.

use std::borrow::Cow;

use super::text::{is_below_any, last_word, without_brackets};
use super::{Frame, Line};

/// Namespaces of the platform, and of frameworks and drivers that call or are called by an application.
const LIBRARIES: &[&str] = &[
    "Akka",
    "Amazon",
    "AutoMapper",
    "Autofac",
    "Avalonia",
    "Azure",
    "Bogus",
    "Castle",
    "Confluent",
    "CsvHelper",
    "Dapper",
    "DevExpress",
    "Duende",
    "EasyNetQ",
    "Elasticsearch",
    "FakeItEasy",
    "FluentAssertions",
    "FluentValidation",
    "Flurl",
    "Godot",
    "Google",
    "GraphQL",
    "Grpc",
    "Hangfire",
    "HotChocolate",
    "Humanizer",
    "IdentityModel",
    "IdentityServer4",
    "Internal",
    "Lamar",
    "LinqToDB",
    "Marten",
    "MassTransit",
    "MediatR",
    "Microsoft",
    "MongoDB",
    "Mono",
    "Moq",
    "MySql",
    "MySqlConnector",
    "NHibernate",
    "NLog",
    "NServiceBus",
    "NSubstitute",
    "NUnit",
    "Nancy",
    "Nest",
    "Newtonsoft",
    "Ninject",
    "NodaTime",
    "Npgsql",
    "Ocelot",
    "Oracle",
    "Orleans",
    "Polly",
    "Pomelo",
    "Prism",
    "Quartz",
    "RabbitMQ",
    "Raven",
    "ReactiveUI",
    "Rebus",
    "Refit",
    "RestSharp",
    "SendGrid",
    "Sentry",
    "Serilog",
    "ServiceStack",
    "Shouldly",
    "SixLabors",
    "SkiaSharp",
    "Splat",
    "StackExchange",
    "Stripe",
    "Swashbuckle",
    "Syncfusion",
    "System",
    "TechTalk",
    "Telerik",
    "Twilio",
    "UnityEditor",
    "UnityEngine",
    "Wolverine",
    "Xamarin",
    "Xunit",
    "Yarp",
    "log4net",
];

/// What stands for `at` in German, French, Spanish and Russian.
const AT: &[&str] = &["bei ", "à ", "en ", "в "];

/// What stands before a file, in English and in those languages.
const IN: &[&str] = &[" in ", " dans ", " en ", " в "];

/// Whether what follows `at ` is a frame.
pub(super) fn is_call(call: &str) -> bool {
    split(call).is_some()
}

/// Whether a line is a frame as Unity logs it: without `at`, with the place in brackets.
pub(super) fn is_unity_frame(text: &str) -> bool {
    unity(text).is_some()
}

/// Whether a line is a frame as a runtime of another tongue prints it.
pub(super) fn is_translated_frame(text: &str) -> bool {
    translated(text).is_some()
}

/// Reads all frames up to where an aggregate repeats its members.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let own = lines.iter().take_while(|line| !line.text.starts_with("---> (Inner Exception #"));
    own.filter_map(|line| {
        let english = line.text.strip_prefix("at ").and_then(split);
        let (path, file) = english.or_else(|| unity(line.text)).or_else(|| translated(line.text))?;
        Some(frame(path, file))
    })
    .collect()
}

/// The method and the file of a call. The file is empty without debug symbols.
fn split(call: &str) -> Option<(&str, &str)> {
    let (path, rest) = call.split_once('(')?;
    let is_mono = path.ends_with(' ') && rest.contains(") [0x");
    let path = if is_mono { path.trim_end() } else { path };
    let (_, behind) = rest.split_once(')')?;
    let behind = behind.trim_start_matches([')', ']', '&']);
    let is_end = behind.is_empty()
        || IN.iter().any(|word| behind.starts_with(word))
        || behind.starts_with(" [0x")
        || behind.starts_with(" <0x")
        || behind.starts_with(" + 0x");
    let is_method = path.contains('.') || path == "lambda_method";
    if !is_end || !is_method || path.contains([' ', '/', ':', '\\']) || is_place(rest) {
        return None;
    }
    let file = if behind.is_empty() { None } else { IN.iter().find_map(|word| behind.rsplit_once(word)) };
    let file = file.map_or("", |(_, place)| place);
    Some((path, file.rsplit_once(':').map_or(file, |(file, _)| file)))
}

/// A frame whose first word is not English. It needs a file, which keeps prose out.
fn translated(text: &str) -> Option<(&str, &str)> {
    let call = AT.iter().find_map(|word| text.strip_prefix(word))?;
    split(call).filter(|(path, file)| !file.is_empty() || path.matches('.').count() >= 2)
}

/// Whether brackets hold a place, not arguments.
fn is_place(rest: &str) -> bool {
    rest.split(')').next().unwrap_or(rest).contains(':')
}

/// `Shop.Cart:Add (int) (at Assets/Cart.cs:12)`.
fn unity(text: &str) -> Option<(&str, &str)> {
    let (call, place) = text.strip_suffix(')')?.rsplit_once("(at ")?;
    let (file, _) = place.rsplit_once(':').filter(|(file, _)| file.ends_with(".cs"))?;
    let path = last_word(call.rsplit_once('(')?.0.trim_end());
    path.contains(['.', ':']).then_some((path, file))
}

fn frame<'a>(path: &'a str, file: &'a str) -> Frame<'a> {
    let in_app = !is_below_any(path, LIBRARIES) && path != "lambda_method";
    let (owner, method) = names(path);
    Frame { path: if file.is_empty() { path } else { file }, file: owner, function: method, in_app }
}

/// The type and the method that a person wrote. State machines, lambdas and local functions have their names in angle brackets.
fn names(path: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    if let Some(at) = path.find('<')
        && let Some(method) = made_of(&path[at..])
    {
        let owner = path[..at].trim_end_matches(['.', '+', '<', '/']);
        return (without_counts(owner), Cow::Borrowed(method));
    }
    let (owner, method) = split_method(path);
    if !owner.contains(['<', '$']) {
        return (without_counts(owner), without_brackets(method, '[', ']'));
    }
    let owner_path = owner.split(".<").next().unwrap_or(owner);
    let closure = ["+<", ".VB$StateMachine_", "+VB$StateMachine_"].iter().find_map(|mark| owner.split_once(mark));
    match closure {
        Some((outer, made)) => {
            let method = made.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
            (without_counts(outer), Cow::Borrowed(method.split('.').next().unwrap_or(method)))
        }
        None => (without_counts(owner_path), without_brackets(method, '[', ']')),
    }
}

/// Splits a path at the point before its method. A constructor begins with a point of its own.
fn split_method(path: &str) -> (&str, &str) {
    let generic = path.find('[').unwrap_or(path.len());
    let at = path[..generic].rfind(['.', ':']).unwrap_or(0);
    let owner = &path[..at];
    match owner.strip_suffix('.') {
        Some(owner) => (owner, &path[at..]),
        None => (owner, path[at..].trim_start_matches(['.', ':'])),
    }
}

/// The method in `<AddAsync>d__7.MoveNext`, `<>c.<Total>b__3_0`, `<<Main>$>d__0` or `<Add>g__Check|3_0`, which is `Check`.
fn made_of(rest: &str) -> Option<&str> {
    if let Some((_, local)) = rest.split_once(">g__") {
        return local.split('|').next().filter(|name| !name.is_empty());
    }
    let names = rest.split('<').filter_map(|part| part.split_once('>')).map(|(name, _)| name);
    let mut names = names.filter(|name| !name.is_empty());
    names.next()
}

/// A type without its count of parameters, `List`1`, and its arguments, `List[T]`.
fn without_counts(owner: &str) -> Cow<'_, str> {
    let owner = without_brackets(owner, '[', ']');
    if !owner.contains(['`', '@']) {
        return owner;
    }
    let mut out = String::with_capacity(owner.len());
    let mut is_count = false;
    for character in owner.chars() {
        is_count = matches!(character, '`' | '@') || is_count && (character.is_ascii_digit() || character == '-');
        if !is_count {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

    #[test]
    fn state_machines_and_lambdas_get_their_methods_name() {
        let stack = "System.InvalidOperationException: bad\n   at System.Linq.Enumerable.First[T](IEnumerable`1 source)\n   \
                     at Shop.Cart.<AddAsync>d__7.MoveNext() in /srv/Cart.cs:line 12\n   \
                     at Shop.Cart.<>c.<Total>b__3_0(Item i) in C:\\src\\Cart.cs:line 20\n   at Shop.Program.Main(String[] args)";
        assert_eq!(in_app_frames(stack), ["Shop.Cart:AddAsync", "Shop.Cart:Total", "Shop.Program:Main"]);
        assert_eq!(language(stack), "csharp");
    }

    #[test]
    fn names_are_those_that_a_person_wrote() {
        for (path, owner, method) in [
            ("Shop.Cart.Add", "Shop.Cart", "Add"),
            ("Shop.Cart..ctor", "Shop.Cart", ".ctor"),
            ("Shop.Cart`1.Add[T]", "Shop.Cart", "Add"),
            ("Shop.Cart`1.Item.Add", "Shop.Cart.Item", "Add"),
            ("Shop.Cart.<Add>g__Check|3_0", "Shop.Cart", "Check"),
            ("Shop.Cart.<>c__DisplayClass4_0.<<AddAsync>b__0>d.MoveNext", "Shop.Cart", "AddAsync"),
            ("Program.<<Main>$>d__0.MoveNext", "Program", "Main"),
            ("Program.<Main>$", "Program", "Main"),
            ("Shop.Cart.VB$StateMachine_3_Add.MoveNext", "Shop.Cart", "Add"),
            ("Shop.Cart.add@12-1.Invoke", "Shop.Cart.add", "Invoke"),
            ("Shop.Cart:Add", "Shop.Cart", "Add"),
        ] {
            assert_eq!(names(path), (owner.into(), method.into()), "{path}");
        }
        assert!(LIBRARIES.is_sorted());
    }
}
