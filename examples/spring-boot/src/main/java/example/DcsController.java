package example;

import io.github.libdcs.DcsClient;
import io.github.libdcs.DcsException;
import io.github.libdcs.DcsStatus;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Serves the status to the users of this service. */
@RestController
class DcsController {
    private static final Logger LOG = LoggerFactory.getLogger(DcsController.class);

    private final DcsClient client;

    DcsController(DcsClient client) {
        this.client = client;
    }

    record Outage(Instant start, Instant end) {
    }

    record Answer(boolean available, List<Outage> outages) {
    }

    @GetMapping("/document-checks/status")
    Answer status() {
        DcsStatus status = client.status();
        return new Answer(status.available(), status.scheduledOutages().stream()
                .map(outage -> new Outage(outage.start(), outage.end()))
                .toList());
    }

    /** Logs the cause and what to do about it for the operator of this service, and hides them from its users. */
    @ExceptionHandler
    ResponseEntity<ProblemDetail> callFailed(DcsException e) {
        LOG.warn("the status call failed", e);
        ResponseEntity.BodyBuilder response = ResponseEntity.status(HttpStatus.BAD_GATEWAY);
        e.retryAfter().ifPresent(wait -> response.header("Retry-After", Long.toString(Math.max(1, wait.toSeconds()))));
        return response.body(ProblemDetail.forStatusAndDetail(HttpStatus.BAD_GATEWAY,
                "The status of the Document Checking Service is unknown at the moment."));
    }
}
