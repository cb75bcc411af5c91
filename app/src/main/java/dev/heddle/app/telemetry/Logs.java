package dev.heddle.app.telemetry;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.spi.ContextAwareBase;

import org.slf4j.LoggerFactory;

/** Sets up logging, without any file: lines for people, or JSON for machines, on standard error. */
public final class Logs extends ContextAwareBase implements Configurator {
    private static final String LINE = "%d{HH:mm:ss.SSS} %-5level %logger{0}  %msg%n%ex{short}";

    /** How a log message is written. */
    public enum Format {
        TEXT,
        JSON
    }

    /** Called by the logging library at its first use. */
    @Override
    public ExecutionStatus configure(LoggerContext context) {
        apply(context, Format.TEXT, Level.INFO);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** Logs in another way from now on. */
    public static void use(Format format, String level) {
        apply(
                (LoggerContext) LoggerFactory.getILoggerFactory(),
                format,
                Level.toLevel(level, Level.INFO));
    }

    private static void apply(LoggerContext context, Format format, Level level) {
        var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.detachAndStopAllAppenders();
        var appender = new ConsoleAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setTarget("System.err");
        appender.setEncoder(encoder(context, format));
        appender.start();
        root.addAppender(appender);
        root.setLevel(Level.WARN);
        context.getLogger("dev.heddle").setLevel(level);
        context.getLogger("io.lettuce").setLevel(Level.ERROR); // tells of every try
    }

    private static Encoder<ILoggingEvent> encoder(LoggerContext context, Format format) {
        if (format == Format.JSON) {
            var encoder = new JsonEncoder();
            encoder.setContext(context);
            encoder.setWithFormattedMessage(true);
            encoder.setWithMessage(false);
            encoder.setWithArguments(false);
            encoder.setWithContext(false);
            encoder.setWithSequenceNumber(false);
            encoder.setWithNanoseconds(false);
            encoder.start();
            return encoder;
        }
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(LINE);
        encoder.start();
        return encoder;
    }
}
