package dev.graft.template;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code str.format}, with plain names, positions and format specifications. */
final class BraceFormat {
  private static final Pattern FIELD = Pattern
      .compile("\\{(?<name>\\w*)(?:!(?<conversion>[rs]))?(?::(?<spec>[^{}]*))?\\}");
  private static final Pattern SPEC = Pattern
      .compile("(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<zero>0)?"
          + "(?<width>\\d*)(?<grouped>,)?(?:\\.(?<precision>\\d+))?(?<type>[sdxXobcfF%])?", Pattern.DOTALL);

  private BraceFormat() {
  }

  static String format(String format, CallArguments arguments, Budget budget) {
    StringBuilder text = new StringBuilder();
    Matcher field = FIELD.matcher(format);
    int next = 0;
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if ((c == '{' || c == '}') && i + 1 < format.length() && format.charAt(i + 1) == c) {
        text.append(c);
        i++;
      } else if (c == '{' && field.find(i) && field.start() == i) {
        String name = field.group("name").isEmpty() ? String.valueOf(next++) : field.group("name");
        text.append(written(field, value(name, arguments), budget));
        i = field.end() - 1;
      } else if (c == '{' || c == '}') {
        throw new TemplateFault("the format has a field that is not supported, or a single '" + c + "'");
      } else {
        text.append(c);
      }
    }
    return budget.made(text.toString());
  }

  private static Object value(String name, CallArguments arguments) {
    boolean position = name.length() < 6 && name.chars().allMatch(c -> c >= '0' && c <= '9');
    Object value = position
        ? Integer.parseInt(name) < arguments.positional().size()
            ? arguments.positional().get(Integer.parseInt(name))
            : null
        : arguments.named().get(name);
    if (value == null) {
      throw new TemplateFault("there is no value for the field {" + name + "} of the format");
    }
    return value;
  }

  private static String written(Matcher field, Object value, Budget budget) {
    Object shown = "r".equals(field.group("conversion")) ? Shown.literal(value, budget) : value;
    String written = field.group("spec");
    if (written == null || written.isEmpty()) {
      return Shown.text(shown, budget);
    }
    Matcher spec = SPEC.matcher(written);
    if (!spec.matches()) {
      throw new TemplateFault("the format '" + written + "' is not supported");
    }
    return spec(spec, shown).apply(shown, budget);
  }

  private static FormatSpec spec(Matcher spec, Object value) {
    boolean number = Numbers.isNumber(value);
    boolean zero = spec.group("zero") != null;
    String align = spec.group("align");
    String fill = spec.group("fill");
    String type = spec.group("type");
    String precision = spec.group("precision");
    String sign = spec.group("sign");
    char given = type != null
        ? type.charAt(0)
        : value instanceof Long ? 'd' : value instanceof Double && precision != null ? 'f' : 's';
    return new FormatSpec(fill != null ? fill.charAt(0) : zero ? '0' : ' ',
        align != null ? align.charAt(0) : zero && number ? '=' : number ? '>' : '<',
        sign == null ? '-' : sign.charAt(0), spec.group("grouped") != null,
        spec.group("width").isEmpty() ? 0 : FormatSpec.number(spec.group("width")),
        precision == null ? -1 : FormatSpec.number(precision), given);
  }
}
