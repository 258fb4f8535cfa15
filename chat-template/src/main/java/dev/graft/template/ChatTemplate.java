package dev.graft.template;

import dev.graft.error.GraftException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Turns conversations into the text that a model was trained on, by a template in Jinja.
 *
 * <p>
 * Renders what the Hugging Face library renders, with its settings ({@code trim_blocks},
 * {@code lstrip_blocks}, loop controls, {@code tojson} without escapes, {@code raise_exception},
 * {@code strftime_now}, {@code generation} blocks) and in its sandbox: a template cannot change values, reach
 * Java, run for ever or fill the memory.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ChatTemplate {
  /** Far beyond the largest template in use, of some 50,000 characters. */
  private static final int MAX_SOURCE = 1_000_000;

  private final String source;
  private final String origin;
  private final List<Statement> statements;
  private final Clock clock;

  private ChatTemplate(String source, String origin, List<Statement> statements, Clock clock) {
    this.source = source;
    this.origin = origin;
    this.statements = statements;
    this.clock = clock;
  }

  /**
   * Parses a template.
   *
   * @param origin what error messages call it, such as the path of its file
   * @throws GraftException if the template is not valid; the message names the origin and the line
   */
  public static ChatTemplate parse(String source, String origin) {
    return parse(source, origin, Clock.systemDefaultZone());
  }

  static ChatTemplate parse(String source, String origin, Clock clock) {
    if (source.length() > MAX_SOURCE) {
      throw new GraftException(
          "The chat template " + origin + " has more than " + MAX_SOURCE + " characters");
    }
    try {
      return new ChatTemplate(source, origin, StatementParser.parse(source), clock);
    } catch (TemplateFault fault) {
      throw fault(origin, fault, 1);
    }
  }

  /**
   * Renders a conversation.
   *
   * @param addGenerationPrompt whether the text ends where the assistant's next answer begins
   * @param variables what else the template may ask for: {@code bos_token}, {@code eos_token}, {@code tools}, …,
   *   made of maps, lists, texts, numbers, booleans and null
   * @throws GraftException if the template cannot render these messages, be it by its own
   *   {@code raise_exception}; the message names the origin and the line
   */
  public String render(List<Message> messages, boolean addGenerationPrompt,
      Map<String, ? extends @Nullable Object> variables) {
    return renderChat(messages, addGenerationPrompt, variables).text();
  }

  /** Renders a conversation and tells where what stands in the text; see {@link #render}. */
  public RenderedChat renderChat(List<Message> messages, boolean addGenerationPrompt,
      Map<String, ? extends @Nullable Object> variables) {
    Map<String, Object> names = new HashMap<>();
    names.put("tools", None.NONE);
    names.put("documents", None.NONE);
    variables.forEach((name, value) -> names.put(name, Imported.value(value)));
    List<Object> imported = messages.stream().map(Imported::value).toList();
    names.put("messages", imported);
    names.put("add_generation_prompt", addGenerationPrompt);
    Budget budget = new Budget();
    Renderer renderer = new Renderer(budget, new Globals(budget, clock), imported);
    try {
      return renderer.render(statements, new VariableScope(names));
    } catch (TemplateFault fault) {
      throw fault(origin, fault, renderer.line());
    } catch (StackOverflowError e) {
      // Values that a template nests without bound end here; nothing is left half-done by it.
      throw fault(origin, new TemplateFault("values nest too deeply"), renderer.line());
    }
  }

  /** Tells whether the template asks for a field of messages, such as {@code tool_calls}. */
  public boolean mentions(String field) {
    return source.contains(field);
  }

  private static GraftException fault(String origin, TemplateFault fault, int line) {
    return new GraftException(
        "The chat template " + origin + ", line " + fault.lineOr(line) + ": " + fault.text());
  }
}
