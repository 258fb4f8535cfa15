package dev.graft.template;

import dev.graft.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Splits the source of a template into tokens.
 *
 * <p>
 * White space follows Jinja with {@code trim_blocks} and {@code lstrip_blocks}, as the Hugging Face library
 * sets them: the newline after a block is dropped, and so is the indentation before one; {@code -} drops all
 * white space on its side and {@code +} none. One newline at the end of the source is dropped.
 */
final class Lexer {
  private static final List<String> OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
      "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String source) {
    String text = source.replace("\r\n", "\n").replace('\r', '\n');
    Lexer lexer = new Lexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
    lexer.readTemplate();
    return lexer.tokens;
  }

  private void readTemplate() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.DATA, source.substring(at));
        advance(source.length());
        break;
      }
      readTag(tag);
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
      char next = source.charAt(i + 1);
      if (next == '%' || next == '{' || next == '#') {
        return i;
      }
    }
    return -1;
  }

  private void readTag(int tag) {
    char type = source.charAt(tag + 1);
    char sign = charAt(tag + 2);
    String data = source.substring(at, tag);
    if (sign == '-') {
      data = PythonText.stripTrailing(data);
    } else if (sign != '+' && type != '{') {
      data = withoutIndentation(data);
    }
    if (!data.isEmpty()) {
      add(Kind.DATA, data);
    }
    advance(sign == '-' || sign == '+' ? tag + 3 : tag + 2);
    lineStarts = false;
    switch (type) {
      case '#' -> skipComment();
      case '{' -> {
        add(Kind.OUTPUT_BEGIN, "{{");
        readExpressions('}');
      }
      default -> {
        if (!readRaw()) {
          add(Kind.BLOCK_BEGIN, "{%");
          readExpressions('%');
        }
      }
    }
  }

  private String withoutIndentation(String data) {
    int lineStart = data.lastIndexOf('\n') + 1;
    boolean blank = PythonText.strip(data.substring(lineStart)).isEmpty();
    return blank && (lineStart > 0 || lineStarts) ? data.substring(0, lineStart) : data;
  }

  private void skipComment() {
    int begin = line;
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw new TemplateFault("the comment that begins here has no end; add #}", begin);
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    advance(end + 2);
    leaveTag(sign, true);
  }

  /** Reads {@code {% raw %}...{% endraw %}}, whose content is text whatever it looks like. */
  private boolean readRaw() {
    int end = closing("raw", at);
    if (end < 0) {
      return false;
    }
    int begin = line;
    char sign = source.charAt(end - 3);
    advance(end);
    // Unlike after every other block, the newline after this one stays.
    leaveTag(sign, false);
    for (int tag = source.indexOf("{%", at); tag >= 0; tag = source.indexOf("{%", tag + 2)) {
      char opening = charAt(tag + 2);
      int after = closing("endraw", opening == '-' || opening == '+' ? tag + 3 : tag + 2);
      if (after >= 0) {
        String data = source.substring(at, tag);
        data = opening == '-'
            ? PythonText.stripTrailing(data)
            : opening == '+' ? data : withoutIndentation(data);
        add(Kind.DATA, data);
        char closingSign = source.charAt(after - 3);
        advance(after);
        leaveTag(closingSign, true);
        return true;
      }
    }
    throw new TemplateFault("the raw block that begins here has no end; add {% endraw %}", begin);
  }

  /** Returns the end of a tag that holds the keyword alone, or -1. */
  private int closing(String keyword, int from) {
    int i = skipSpace(from);
    if (!source.startsWith(keyword, i)) {
      return -1;
    }
    i = skipSpace(i + keyword.length());
    if (charAt(i) == '-' || charAt(i) == '+') {
      i++;
    }
    return source.startsWith("%}", i) ? i + 2 : -1;
  }

  private int skipSpace(int from) {
    int i = from;
    while (i < source.length() && PythonText.isSpace(source.charAt(i))) {
      i++;
    }
    return i;
  }

  private void leaveTag(char sign, boolean dropsNewline) {
    if (sign == '-') {
      int end = skipSpace(at);
      lineStarts = end > at && source.charAt(end - 1) == '\n';
      advance(end);
    } else if (dropsNewline && sign != '+' && charAt(at) == '\n') {
      advance(at + 1);
      lineStarts = true;
    } else {
      lineStarts = false;
    }
  }

  /** Reads tokens up to the end of the tag; {@code ending} is its character before the brace. */
  private void readExpressions(char ending) {
    int begin = line;
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      advance(skipSpace(at));
      if (at >= source.length()) {
        throw new TemplateFault("the tag that begins here has no end", begin);
      }
      if (open.isEmpty() && readTagEnd(ending)) {
        return;
      }
      readExpressionToken(open);
    }
  }

  private boolean readTagEnd(char ending) {
    char sign = charAt(at);
    boolean signed = sign == '-' || sign == '+' && ending == '%';
    int end = signed ? at + 1 : at;
    if (charAt(end) != ending || charAt(end + 1) != '}') {
      return false;
    }
    add(ending == '%' ? Kind.BLOCK_END : Kind.OUTPUT_END, source.substring(end, end + 2));
    advance(end + 2);
    leaveTag(signed ? sign : ' ', ending == '%');
    return true;
  }

  private void readExpressionToken(Deque<Character> open) {
    char c = source.charAt(at);
    if (c == '"' || c == '\'') {
      readString(c);
    } else if (isDigit(c)) {
      readNumber();
    } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int end = at + 1;
      while (end < source.length() && Character.isUnicodeIdentifierPart(source.charAt(end))
          && !Character.isIdentifierIgnorable(source.charAt(end))) {
        end++;
      }
      add(Kind.NAME, source.substring(at, end));
      advance(end);
    } else {
      readOperator(open);
    }
  }

  private void readOperator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        balance(operator, open);
        add(Kind.OPERATOR, operator);
        advance(at + operator.length());
        return;
      }
    }
    throw new TemplateFault("the character '" + Character.toString(source.codePointAt(at))
        + "' has no meaning in a tag", line);
  }

  private void balance(String operator, Deque<Character> open) {
    switch (operator) {
      case "(" -> open.push(')');
      case "[" -> open.push(']');
      case "{" -> open.push('}');
      case ")", "]", "}" -> {
        if (open.isEmpty() || open.pop() != operator.charAt(0)) {
          throw new TemplateFault("'" + operator + "' closes nothing", line);
        }
      }
      default -> {
        return;
      }
    }
  }

  private void readNumber() {
    int radix = switch (Character.toLowerCase(charAt(at + 1))) {
      case 'x' -> 16;
      case 'o' -> 8;
      case 'b' -> 2;
      default -> 10;
    };
    if (radix != 10 && source.charAt(at) == '0' && Character.digit(charAt(at + 2), radix) >= 0) {
      int end = digits(at + 2, radix);
      add(Kind.INTEGER, integer(source.substring(at + 2, end), radix));
      advance(end);
      return;
    }
    int end = digits(at, 10);
    boolean real = false;
    boolean index = at > 0 && source.charAt(at - 1) == '.';
    if (!index && charAt(end) == '.' && isDigit(charAt(end + 1))) {
      end = digits(end + 1, 10);
      real = true;
    }
    if (charAt(end) == 'e' || charAt(end) == 'E') {
      int exponent = charAt(end + 1) == '+' || charAt(end + 1) == '-' ? end + 2 : end + 1;
      if (isDigit(charAt(exponent))) {
        end = digits(exponent, 10);
        real = true;
      }
    }
    String digits = source.substring(at, end);
    add(real ? Kind.FLOAT : Kind.INTEGER, real ? digits.replace("_", "") : integer(digits, 10));
    advance(end);
  }

  private int digits(int from, int radix) {
    int i = from;
    while (i < source.length() && (source.charAt(i) < 128 && Character.digit(source.charAt(i), radix) >= 0
        || source.charAt(i) == '_' && charAt(i + 1) < 128 && Character.digit(charAt(i + 1), radix) >= 0)) {
      i++;
    }
    return i;
  }

  private String integer(String digits, int radix) {
    try {
      return Long.toString(Long.parseLong(digits.replace("_", ""), radix));
    } catch (NumberFormatException e) {
      throw new TemplateFault("the number " + digits + " is beyond 64 bits", line);
    }
  }

  private void readString(char quote) {
    StringBuilder value = new StringBuilder();
    for (int i = at + 1; i < source.length(); i++) {
      char c = source.charAt(i);
      if (c == quote) {
        add(Kind.STRING, value.toString());
        advance(i + 1);
        return;
      }
      if (c == '\\') {
        i = readEscape(i + 1, value);
      } else {
        value.append(c);
      }
    }
    throw new TemplateFault("the string that begins here has no end; add " + quote, line);
  }

  /** Reads an escape sequence of Python from the character after the backslash; returns its last index. */
  private int readEscape(int from, StringBuilder value) {
    char c = charAt(from);
    switch (c) {
      case 'n' -> value.append('\n');
      case 't' -> value.append('\t');
      case 'r' -> value.append('\r');
      case 'b' -> value.append('\b');
      case 'f' -> value.append('\f');
      case 'v' -> value.append('\u000B');
      case 'a' -> value.append('\u0007');
      case '\\', '\'', '"' -> value.append(c);
      case '\n' -> {
        return from;
      }
      case 'x' -> {
        return readHex(from, 2, value);
      }
      case 'u' -> {
        return readHex(from, 4, value);
      }
      case 'U' -> {
        return readHex(from, 8, value);
      }
      case '0', '1', '2', '3', '4', '5', '6', '7' -> {
        int end = from;
        int code = 0;
        while (end < from + 3 && Character.digit(charAt(end), 8) >= 0) {
          code = code * 8 + Character.digit(charAt(end), 8);
          end++;
        }
        value.append((char) code);
        return end - 1;
      }
      default -> value.append('\\').append(c);
    }
    return from;
  }

  private int readHex(int letter, int count, StringBuilder value) {
    int end = letter + 1 + count;
    try {
      int code = Integer.parseUnsignedInt(source, letter + 1, end, 16);
      value.appendCodePoint(code);
      return end - 1;
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new TemplateFault("a \\" + source.charAt(letter) + " escape needs " + count + " hex digits",
          line);
    }
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void advance(int to) {
    for (int i = at; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    at = to;
  }

  private char charAt(int index) {
    return index < source.length() ? source.charAt(index) : '\0';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
