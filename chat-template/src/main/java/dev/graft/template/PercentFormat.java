package dev.graft.template;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code format % values}. */
final class PercentFormat {
  private static final Pattern FIELD = Pattern
      .compile(
          "%(?:\\((?<name>[^)]*)\\))?(?<flags>[-+ 0#]*)(?<width>\\d*)(?:\\.(?<precision>\\d*))?(?<type>.)",
          Pattern.DOTALL);

  private PercentFormat() {
  }

  static String format(String format, Object values, Budget budget) {
    List<Object> positional = values instanceof Tuple tuple ? tuple.items() : List.of(values);
    StringBuilder text = new StringBuilder();
    Matcher field = FIELD.matcher(format);
    int end = 0;
    int used = 0;
    for (int at = format.indexOf('%'); at >= 0; at = format.indexOf('%', end)) {
      text.append(format, end, at);
      if (!field.find(at) || field.start() != at) {
        throw new TemplateFault("the format ends within a field");
      }
      end = field.end();
      if (field.group("type").equals("%")) {
        text.append('%');
        continue;
      }
      Object value;
      String name = field.group("name");
      if (name != null) {
        value = values instanceof Map<?, ?> map ? map.get(name) : null;
      } else {
        value = used < positional.size() ? positional.get(used) : null;
        used++;
      }
      if (value == null) {
        throw new TemplateFault("there is no value for the field '" + field.group() + "' of the format");
      }
      text.append(spec(field).apply(value, budget));
    }
    if (used < positional.size() && !(values instanceof Map<?, ?>)) {
      throw new TemplateFault("the format has fewer fields than values");
    }
    budget.charge(format.length());
    return text.append(format, end, format.length()).toString();
  }

  private static FormatSpec spec(Matcher field) {
    String flags = field.group("flags");
    char type = field.group("type").charAt(0);
    String precision = field.group("precision");
    boolean left = flags.contains("-");
    boolean zeros = flags.contains("0") && !left && type != 's' && type != 'r';
    return new FormatSpec(zeros ? '0' : ' ', left ? '<' : zeros ? '=' : '>',
        flags.contains("+") ? '+' : flags.contains(" ") ? ' ' : '-', false,
        field.group("width").isEmpty() ? 0 : FormatSpec.number(field.group("width")),
        precision == null ? -1 : precision.isEmpty() ? 0 : FormatSpec.number(precision), type);
  }
}
