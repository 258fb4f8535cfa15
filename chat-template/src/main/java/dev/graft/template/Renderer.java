package dev.graft.template;

import dev.graft.template.Statement.Branch;
import dev.graft.template.Statement.NameTarget;
import dev.graft.template.Statement.NamespaceTarget;
import dev.graft.template.Statement.Parameter;
import dev.graft.template.Statement.Target;
import dev.graft.template.Statement.TupleTarget;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Renders the statements of a template into one text. */
final class Renderer {
  private enum Flow {
    NEXT, BREAK, CONTINUE
  }

  private final Budget budget;
  private final ExpressionEvaluator evaluator;
  private final StringBuilder text = new StringBuilder();
  private final List<Span> generated = new ArrayList<>();
  private final Map<Object, Integer> messages = new IdentityHashMap<>();
  private final List<MessageSpan> written = new ArrayList<>();

  /** Prepares to render, and to tell where in the text each of some messages was written. */
  Renderer(Budget budget, Globals globals, List<?> messages) {
    this.budget = budget;
    this.evaluator = new ExpressionEvaluator(budget, globals);
    messages.forEach(message -> this.messages.put(message, this.messages.size()));
  }

  RenderedChat render(List<Statement> template, VariableScope variables) {
    run(template, variables, text);
    return new RenderedChat(text.toString(), generated, written);
  }

  /** Returns the line that was rendered last. */
  int line() {
    return evaluator.line();
  }

  private Flow run(List<Statement> body, VariableScope scope, StringBuilder out) {
    for (Statement statement : body) {
      Flow flow = run(statement, scope, out);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Statement statement, VariableScope scope, StringBuilder out) {
    budget.step();
    switch (statement) {
      case Statement.Text literal -> out.append(budget.made(literal.text()));
      case Statement.Output output -> {
        evaluator.at(output.line());
        out.append(Shown.text(evaluator.evaluate(output.expression(), scope), budget));
      }
      case Statement.Assign assign -> {
        evaluator.at(assign.line());
        bind(assign.target(), evaluator.evaluate(assign.value(), scope), scope);
      }
      case Statement.AssignBlock block -> {
        evaluator.at(block.line());
        bind(block.target(), evaluator.filterAll(block.filters(), captured(block.body(), scope), scope),
            scope);
      }
      case Statement.FilterBlock block -> {
        evaluator.at(block.line());
        Object filtered = evaluator.filterAll(block.filters(), captured(block.body(), scope), scope);
        out.append(Shown.text(filtered, budget));
      }
      case Statement.For loop -> runLoop(loop, scope, out);
      case Statement.If choice -> {
        return runIf(choice, scope, out);
      }
      case Statement.Macro macro -> scope.set(macro.name(), macro(macro, scope));
      case Statement.CallBlock block -> {
        evaluator.at(block.line());
        VariableScope inner = scope.inner();
        CallArguments arguments = evaluator.arguments(block.call().arguments(), inner);
        out.append(Shown.text(
            evaluator.call(block.call(), arguments.with("caller", macro(block.caller(), scope)), inner),
            budget));
      }
      case Statement.Scoped scoped -> {
        VariableScope inner = scope.inner();
        for (Statement.Assign assign : scoped.assignments()) {
          evaluator.at(assign.line());
          bind(assign.target(), evaluator.evaluate(assign.value(), scope), inner);
        }
        return run(scoped.body(), inner, out);
      }
      case Statement.Generation generation -> {
        int start = out.length();
        Flow flow = run(generation.body(), scope.inner(), out);
        // Text that is captured may end up anywhere or nowhere, so nothing is known of its place.
        if (out == text) {
          generated.add(new Span(start, out.length()));
        }
        return flow;
      }
      case Statement.Break at -> {
        evaluator.at(at.line());
        return Flow.BREAK;
      }
      case Statement.Continue at -> {
        evaluator.at(at.line());
        return Flow.CONTINUE;
      }
    }
    return Flow.NEXT;
  }

  private String captured(List<Statement> body, VariableScope scope) {
    StringBuilder captured = new StringBuilder();
    run(body, scope.inner(), captured);
    return captured.toString();
  }

  private Flow runIf(Statement.If choice, VariableScope scope, StringBuilder out) {
    for (Branch branch : choice.branches()) {
      if (Truth.of(evaluator.evaluate(branch.condition(), scope))) {
        return run(branch.body(), scope, out);
      }
    }
    return run(choice.otherwise(), scope, out);
  }

  private void runLoop(Statement.For loop, VariableScope scope, StringBuilder out) {
    evaluator.at(loop.line());
    List<Object> items = chosen(loop, Sequences.items(evaluator.evaluate(loop.items(), scope), budget),
        scope);
    if (items.isEmpty()) {
      run(loop.otherwise(), scope.inner(), out);
      return;
    }
    LoopState state = new LoopState(items, budget);
    for (int i = 0; i < items.size(); i++) {
      budget.step();
      state.moveTo(i);
      VariableScope inner = scope.inner();
      inner.set("loop", state);
      evaluator.at(loop.line());
      bind(loop.target(), items.get(i), inner);
      int start = out.length();
      Flow flow = run(loop.body(), inner, out);
      Integer message = messages.get(items.get(i));
      if (message != null && out == text && out.length() > start) {
        written.add(new MessageSpan(message, new Span(start, out.length())));
      }
      if (flow == Flow.BREAK) {
        return;
      }
    }
  }

  private List<Object> chosen(Statement.For loop, List<Object> items, VariableScope scope) {
    Expression condition = loop.condition();
    if (condition == null) {
      return items;
    }
    List<Object> chosen = new ArrayList<>();
    for (Object item : items) {
      VariableScope inner = scope.inner();
      bind(loop.target(), item, inner);
      if (Truth.of(evaluator.evaluate(condition, inner))) {
        chosen.add(item);
      }
    }
    return chosen;
  }

  private void bind(Target target, Object value, VariableScope scope) {
    switch (target) {
      case NameTarget name -> scope.set(name.name(), value);
      case TupleTarget tuple -> {
        List<Object> parts = Sequences.items(value, budget);
        if (parts.size() != tuple.parts().size()) {
          throw new TemplateFault(tuple.parts().size() + " values were expected, not " + parts.size());
        }
        for (int i = 0; i < parts.size(); i++) {
          bind(tuple.parts().get(i), parts.get(i), scope);
        }
      }
      case NamespaceTarget attribute -> {
        if (!(scope.find(attribute.name()) instanceof Namespace space)) {
          throw new TemplateFault(
              "'" + attribute.name() + "' is not a namespace, so '" + attribute.attribute()
                  + "' of it cannot be set");
        }
        space.attributes().put(attribute.attribute(), value);
      }
    }
  }

  private Callable macro(Statement.Macro macro, VariableScope defined) {
    List<String> names = new ArrayList<>(macro.parameters().stream().map(Parameter::name).toList());
    names.add("caller");
    return arguments -> {
      String shown = "the macro '" + macro.name() + "'";
      if (arguments.positional().size() > macro.parameters().size()) {
        throw new TemplateFault(shown + " takes " + macro.parameters().size() + " arguments, not "
            + arguments.positional().size());
      }
      CallArguments.Bound bound = arguments.bind(shown, names.toArray(String[]::new));
      VariableScope scope = defined.inner();
      budget.enter();
      for (Parameter parameter : macro.parameters()) {
        scope.set(parameter.name(), argument(parameter, bound, scope));
      }
      if (bound.has("caller")) {
        scope.set("caller", bound.required("caller"));
      }
      int line = evaluator.line();
      StringBuilder out = new StringBuilder();
      run(macro.body(), scope, out);
      evaluator.at(line);
      budget.leave();
      return out.toString();
    };
  }

  private Object argument(Parameter parameter, CallArguments.Bound bound, VariableScope scope) {
    Expression fallback = parameter.fallback();
    if (bound.has(parameter.name())) {
      return bound.required(parameter.name());
    }
    return fallback == null
        ? new Undefined("the parameter '" + parameter.name() + "' was not given")
        : evaluator.evaluate(fallback, scope);
  }
}
