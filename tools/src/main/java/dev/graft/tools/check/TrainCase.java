package dev.graft.tools.check;

import dev.graft.core.Schedule;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsFile;
import dev.graft.spi.Configuration;
import java.util.List;
import java.util.stream.LongStream;

/** Compares loss, gradient norm and learning rate of every step, and the trained adapter. */
final class TrainCase implements ModelCase.Kind {
  private static final Tolerance NORM = new Tolerance(0, 1e-3);
  private static final Tolerance RATE = new Tolerance(1e-9, 1e-6);
  private static final Tolerance FINAL = new Tolerance(1e-3, 1e-3);

  @Override
  public boolean training() {
    return true;
  }

  @Override
  public void compare(ModelCase open) {
    Attachment attachment = open.requiredAdapter();
    Settings settings = settings(open);
    try (SafetensorsFile batches = open.check().open("batches.safetensors");
        SafetensorsFile expect = open.check().open("expect.safetensors");
        Trainer trainer = new Trainer(open.session(), open.base(), attachment, ModelCase.ADAPTER,
            open.type(), settings.options())) {
      trainer.run(step -> settings.batches(batches, step), report -> compareStep(open, report, expect));
      Tolerance tolerance = open.check().tolerance("tolerance_final_adapter", FINAL);
      for (AdapterTensor tensor : attachment.trainable()) {
        String name = "final." + tensor.key();
        open.comparison().compare(name,
            open.session().download(AdapterWeights.variable(ModelCase.ADAPTER, tensor.key())),
            expect.tensor(name), tolerance);
      }
      if (expect.names().contains("final_logits")) {
        TokenBatch batch = ModelCase.batch(batches, 0);
        open.compareLogits(open.base(), List.of(open.allRows(batch.rows())), batch,
            expect.tensor("final_logits"), "final_logits",
            open.check().tolerance("tolerance_final_logits", FINAL));
      }
    }
  }

  /** Holds what a case's Trainer of Hugging Face was given. */
  private record Settings(TrainingOptions options, long accumulation) {
    List<TokenBatch> batches(SafetensorsFile file, long step) {
      return LongStream.range(step * accumulation, (step + 1) * accumulation)
          .mapToObj(index -> ModelCase.batch(file, index)).toList();
    }
  }

  private static Settings settings(ModelCase open) {
    Configuration json = open.check().json();
    Configuration training = json.section("training")
        .orElseThrow(() -> new GraftException(json.source() + ": \"training\" is missing"));
    long accumulation = training.integer("gradient_accumulation_steps", 1);
    String type = training.text("lr_scheduler_type", "constant");
    Schedule schedule = Schedule.named(type).orElseThrow(() -> new GraftException(json.source()
        + ": \"lr_scheduler_type\" must be constant, constant_with_warmup, linear or cosine, not \"" + type
        + "\""));
    // A Trainer of Hugging Face ignores the warm-up of this one.
    long asked = training.integer("warmup_steps", 0);
    long warmup = type.equals("constant") ? 0 : asked;
    TrainingOptions options = new TrainingOptions(training.integer("max_steps"),
        training.number("learning_rate", 0), schedule, warmup, training.number("weight_decay", 0),
        training.number("adam_beta1", 0.9), training.number("adam_beta2", 0.999),
        training.number("adam_epsilon", 1e-8), training.number("max_grad_norm", 0), false, 0);
    training.finish();
    return new Settings(options, accumulation);
  }

  private static void compareStep(ModelCase open, StepReport report, SafetensorsFile expect) {
    Comparison comparison = open.comparison();
    long i = report.step() - 1;
    comparison.value("loss of step " + report.step(), report.loss(), expect.tensor("loss").at(i),
        open.check().tolerance("tolerance", Case.LOGITS));
    comparison.value("grad_norm of step " + report.step(), report.gradientNorm(),
        expect.tensor("grad_norm").at(i), open.check().tolerance("tolerance_grad_norm", NORM));
    comparison.value("learning_rate of step " + report.step(), report.learningRate(),
        expect.tensor("learning_rate").at(i), RATE);
  }
}
