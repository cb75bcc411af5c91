package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;

import java.util.Optional;
import java.util.function.BooleanSupplier;

/** What the session does about its conversations. */
interface ConversationHost {
    /**
     * Whether this process may hold the conversation, which cannot move to another one. May block.
     */
    boolean claim(Conversation conversation);

    /** What is noted of the conversation, by whichever process. May block. */
    Metadata.Noted noted(Conversation conversation);

    /**
     * Notes a conversation that has just been opened, unless another process has noted another one.
     * May block.
     *
     * @param opened how often one had been opened before, as far as is noted
     * @param last how often one had been opened here, as far as is known
     * @return nothing if another one is noted
     */
    Optional<SessionRecord.Note> note(
            Conversation conversation, Connected connected, long opened, long last);

    /** About to be open: the place to tell the backend what it has to know. May block. */
    void opening(Conversation conversation, Connected connected, boolean again);

    /** Open now: what has changed in the meantime is to be told. */
    void opened(Conversation conversation);

    /** Could not be opened. */
    void failed(Conversation conversation);

    /** The backend session that was open is no more. */
    void ended(Conversation conversation);

    /** Whether it is known what the backend offers. */
    boolean knows(Conversation conversation);

    /** What is known of a tool of the backend, as that lists it under its own name. */
    Optional<Json> tool(Conversation conversation, String name);

    /**
     * Asks the backend, blocking, what it offers.
     *
     * @param untouched whether nothing can have changed in this backend session that others would
     *     not see; to be asked afterwards
     */
    void readCatalog(Conversation conversation, Connected connected, BooleanSupplier untouched);

    void notification(Conversation conversation, Envelope message);

    void question(Conversation conversation, Question question);

    /** What the backend has said until now may have been missed. */
    void missed(Conversation conversation);
}
