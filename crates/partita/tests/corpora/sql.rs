//! As much of SQL as it takes to read `SELECT .. FROM read_csv(..)`.

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// Numbers, `true`, `false` and `null`, in lower case.
    Word(String),
    List(Vec<Literal>),
    Map(Vec<(String, Literal)>),
}

/// Options by name, in the order of the call.
type Options = Vec<(String, Literal)>;

/// What is selected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    All,
    Column(String),
    /// By number, from 1.
    At(usize),
    CountRows,
    Sum(String),
    TypeOf(Box<Item>),
}

/// A statement that reads files and does little else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) items: Vec<Item>,
    pub(crate) paths: Vec<String>,
    pub(crate) options: Options,
    pub(crate) is_ordered: bool,
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Sign(char),
}

/// The statement; `None` where it does more than read.
pub(crate) fn parse(sql: &str) -> Option<Statement> {
    let tokens = tokens(sql)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let statement = reader.statement()?;
    reader.eat(';');
    (reader.at == tokens.len()).then_some(statement)
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let chars: Vec<char> = sql.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let first = chars[at];
        if first.is_whitespace() {
            at += 1;
        } else if first == '\'' || first == '"' {
            let (text, next) = quoted(&chars, at)?;
            tokens.push(if first == '"' { Token::Quoted(text) } else { Token::Text(text) });
            at = next;
        } else if first.is_alphanumeric() || matches!(first, '_' | '.' | '-') {
            let word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
            let text: String = chars[at..].iter().take_while(|c| word(c)).collect();
            at += text.chars().count();
            tokens.push(Token::Word(text));
        } else {
            tokens.push(Token::Sign(first));
            at += 1;
        }
    }
    Some(tokens)
}

fn quoted(chars: &[char], start: usize) -> Option<(String, usize)> {
    let quote = chars[start];
    let (mut text, mut at) = (String::new(), start + 1);
    loop {
        match (chars.get(at)?, chars.get(at + 1)) {
            (c, Some(next)) if *c == quote && *next == quote => {
                text.push(quote);
                at += 2;
            }
            (c, _) if *c == quote => return Some((text, at + 1)),
            (c, _) => {
                text.push(*c);
                at += 1;
            }
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn eat(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char) -> Option<()> {
        self.eat(sign).then_some(())
    }

    /// A word without quotes, in any case.
    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            _ => None,
        }
    }

    fn statement(&mut self) -> Option<Statement> {
        let mut items = vec![Item::All];
        if self.keyword("select") {
            items = vec![self.item()?];
            while self.eat(',') {
                items.push(self.item()?);
            }
        }
        if !self.keyword("from") {
            return None;
        }
        let (paths, options) = self.source()?;
        let mut statement = Statement { items, paths, options, is_ordered: false, limit: None };
        if self.keyword("order") {
            statement.is_ordered = true;
            self.keyword("by").then_some(())?;
            self.order()?;
        }
        if self.keyword("limit") {
            let Token::Word(limit) = self.next()? else { return None };
            statement.limit = Some(limit.parse().ok()?);
        }
        Some(statement)
    }

    /// What rows are ordered by is not needed: they are compared in any order.
    fn order(&mut self) -> Option<()> {
        loop {
            match self.next()? {
                Token::Word(_) | Token::Quoted(_) => {}
                _ => return None,
            }
            let mut more = true;
            while more {
                more = ["asc", "desc", "nulls", "last", "first"].iter().any(|word| self.keyword(word));
            }
            if !self.eat(',') {
                return Some(());
            }
        }
    }

    fn item(&mut self) -> Option<Item> {
        if self.eat('*') {
            return Some(Item::All);
        }
        if self.eat('#') {
            let Token::Word(number) = self.next()? else { return None };
            return Some(Item::At(number.parse().ok()?));
        }
        let name = self.name()?;
        if !self.eat('(') {
            return Some(Item::Column(name));
        }
        let item = match name.to_lowercase().as_str() {
            "count" => {
                self.expect('*')?;
                Item::CountRows
            }
            "sum" => Item::Sum(self.name()?),
            "typeof" => Item::TypeOf(Box::new(self.item()?)),
            _ => return None,
        };
        self.expect(')')?;
        Some(item)
    }

    fn source(&mut self) -> Option<(Vec<String>, Options)> {
        match self.next()? {
            Token::Text(path) | Token::Quoted(path) => Some((vec![path], Vec::new())),
            Token::Word(name) if matches!(name.to_lowercase().as_str(), "read_csv" | "read_csv_auto") => {
                self.expect('(')?;
                let paths = self.paths()?;
                let mut options = Vec::new();
                while self.eat(',') {
                    options.push(self.named()?);
                }
                self.expect(')')?;
                Some((paths, options))
            }
            _ => None,
        }
    }

    fn paths(&mut self) -> Option<Vec<String>> {
        if let Some(Token::Quoted(path)) = self.peek().cloned() {
            self.at += 1;
            return Some(vec![path]);
        }
        match self.literal()? {
            Literal::Text(path) => Some(vec![path]),
            Literal::List(items) => items
                .into_iter()
                .map(|item| if let Literal::Text(path) = item { Some(path) } else { None })
                .collect(),
            _ => None,
        }
    }

    /// `name = value` or `name := value`, the name in lower case.
    fn named(&mut self) -> Option<(String, Literal)> {
        let name = self.name()?.to_lowercase();
        self.eat(':');
        self.expect('=')?;
        Some((name, self.literal()?))
    }

    fn literal(&mut self) -> Option<Literal> {
        match self.next()? {
            Token::Text(text) | Token::Quoted(text) => Some(Literal::Text(text)),
            Token::Sign('[') => {
                let mut items = Vec::new();
                while !self.eat(']') {
                    items.push(self.literal()?);
                    self.eat(',');
                }
                Some(Literal::List(items))
            }
            Token::Sign('{') => {
                let mut entries = Vec::new();
                while !self.eat('}') {
                    let (Token::Text(key) | Token::Word(key) | Token::Quoted(key)) = self.next()? else {
                        return None;
                    };
                    self.expect(':')?;
                    entries.push((key, self.literal()?));
                    self.eat(',');
                }
                Some(Literal::Map(entries))
            }
            Token::Word(name) if name.eq_ignore_ascii_case("struct_pack") => {
                self.expect('(')?;
                let mut entries = Vec::new();
                while !self.eat(')') {
                    let key = self.name()?;
                    self.eat(':');
                    self.expect('=')?;
                    entries.push((key, self.literal()?));
                    self.eat(',');
                }
                Some(Literal::Map(entries))
            }
            Token::Word(word) => Some(Literal::Word(word.to_lowercase())),
            Token::Sign(_) => None,
        }
    }
}

#[test]
fn statements_are_read() {
    let statement = parse(
        "SELECT a, count(*) FROM read_csv('f.csv', columns={'a': 'INT'}, HEADER=1) ORDER BY 1 LIMIT 2;",
    );
    let expected = Statement {
        items: vec![Item::Column("a".into()), Item::CountRows],
        paths: vec!["f.csv".into()],
        options: vec![
            ("columns".into(), Literal::Map(vec![("a".into(), Literal::Text("INT".into()))])),
            ("header".into(), Literal::Word("1".into())),
        ],
        is_ordered: true,
        limit: Some(2),
    };
    assert_eq!(statement, Some(expected));
    assert_eq!(parse("SELECT a + 1 FROM 'f.csv'"), None);
    assert_eq!(parse("FROM sniff_csv('f.csv')"), None);
    assert_eq!(parse("FROM 'f''.csv'").map(|statement| statement.paths), Some(vec!["f'.csv".to_owned()]));
}
