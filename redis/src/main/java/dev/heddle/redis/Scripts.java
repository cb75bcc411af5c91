package dev.heddle.redis;

import static dev.heddle.core.session.Metadata.CLAIMED;
import static dev.heddle.core.session.Metadata.TERMINATED;
import static dev.heddle.core.session.Metadata.USED;
import static dev.heddle.core.session.Metadata.VERSION;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * What is done to a record, or to what is kept of a stream, in one step. A record is the text of a
 * JSON object of strings; it is over when no more than the time of {@code ARGV[2]} is left of the
 * time for which the server keeps it. {@code ARGV[1]} is that time from now, both in milliseconds.
 */
final class Scripts {
    /** What all of them begin with. */
    private static final String READ =
            """
            local key, keep, beyond = KEYS[1], ARGV[1], tonumber(ARGV[2])
            local text = redis.call('GET', key)
            local over = not text or redis.call('PTTL', key) <= beyond
            local record = text and cjson.decode(text)
            local ended = record and record['%1$s'] == 'true'
            local function put(fields)
              for name, value in pairs(fields) do record[name] = value end
              local version = tonumber(record['%2$s'] or '0') + 1
              record['%2$s'] = string.format('%%d', version)
              redis.call('SET', key, cjson.encode(record), 'PX', keep)
              return version
            end
            """
                    .formatted(TERMINATED, VERSION);

    /** Adds the record {@code ARGV[3]}. */
    static final Script<Long> CREATE =
            Script.number(
                    READ
                            + """
                            if not over then return 0 end
                            redis.call('SET', key, ARGV[3], 'PX', keep)
                            return 1
                            """);

    static final Script<@Nullable String> LOAD = Script.text(READ + "return not over and text");

    /** Notes that it is used, at the time {@code ARGV[3]}. */
    static final Script<Long> TOUCH =
            Script.number(
                    READ
                            + """
                            if over or ended then return 0 end
                            redis.call('PEXPIRE', key, keep)
                            pcall(put, {['%s'] = ARGV[3]}) -- fails where there is no room
                            return 1
                            """
                                    .formatted(USED));

    /**
     * Sets {@code ARGV[3]}, removes {@code ARGV[4]}, if it has {@code ARGV[5]}, and tells {@code
     * ARGV[7]}, if it is something, on the channel {@code ARGV[6]}. Returns the new version.
     */
    static final Script<Long> UPDATE =
            Script.number(
                    READ
                            + """
                            if over or ended then return 0 end
                            for name, value in pairs(cjson.decode(ARGV[5])) do
                              if (record[name] or '') ~= value then return 0 end
                            end
                            for _, name in ipairs(cjson.decode(ARGV[4])) do record[name] = nil end
                            local version = put(cjson.decode(ARGV[3]))
                            if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
                            return version
                            """);

    /**
     * Sets {@code ARGV[3]}, in a new record if there is none, and tells {@code ARGV[5]} on the
     * channel {@code ARGV[4]}.
     */
    static final Script<Long> UPSERT =
            Script.number(
                    READ
                            + """
                            if over then record = {} elseif ended then return 0 end
                            put(cjson.decode(ARGV[3]))
                            redis.call('PUBLISH', ARGV[4], ARGV[5])
                            return 1
                            """);

    /**
     * Claims what is over or has ended, for the time {@code ARGV[3]} in milliseconds, or for half
     * as long as it has been over. Returns how long there is nothing to claim and, if it was
     * claimed, the record; nothing if there is none.
     */
    static final Script<List<String>> CLAIM =
            Script.texts(
                    READ
                            + """
                            if not text then return {} end
                            local left = redis.call('PTTL', key) - beyond
                            local time_off = math.max(tonumber(ARGV[3]), math.floor(-left / 2))
                            if not over and not ended then return {tostring(left)} end
                            local time = redis.call('TIME')
                            local now = time[1] * 1000 + math.floor(time[2] / 1000)
                            local claimed = tonumber(record['%1$s'] or '0') - now
                            if claimed > 0 then return {tostring(claimed)} end
                            record['%1$s'] = string.format('%%d', now + time_off)
                            redis.call('SET', key, cjson.encode(record), 'KEEPTTL')
                            return {string.format('%%d', time_off), text}
                            """
                                    .formatted(CLAIMED));

    /**
     * Names the content of the store {@code ARGV[1]} unless it has a name, and tells {@code
     * ARGV[3]} on the channel {@code ARGV[2]}. Returns the name.
     */
    static final Script<@Nullable String> PULSE =
            Script.text(
                    """
                    redis.call('PUBLISH', ARGV[2], ARGV[3])
                    local name = redis.call('GET', KEYS[1])
                    if name then return name end
                    redis.call('SET', KEYS[1], ARGV[1])
                    return ARGV[1]
                    """);

    /**
     * What those begin with that write a stream, which is kept for {@code ARGV[1]} milliseconds, as
     * {@code ARGV[2]} with the token {@code ARGV[3]}. Each entry has the last events of those who
     * have written it before.
     */
    private static final String STREAM =
            """
            local key, keep, writer, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
            local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
            local function field(entry, name)
              for i = 1, #entry[2], 2 do
                if entry[2][i] == name then return entry[2][i + 1] end
              end
            end
            local function own(entry)
              return field(entry, 'w') == writer and field(entry, 'f') == token
            end
            local function where(entry)
              local number, place = string.match(entry[1], '^(%d+)-(%d+)$')
              return tonumber(number), tonumber(place)
            end
            """;

    /**
     * Adds entries to a stream, if nobody else has written it last. {@code ARGV[4]} says whether
     * what was there counts no more, {@code ARGV[5]} is the first event that is kept, {@code
     * ARGV[6]} what all entries have in common; then come the number, the kind and the text of
     * each. What does not follow on what is there begins anew. Else returns -1 less the number of
     * the last event that this one has written, or 0 if that is not known any more.
     */
    static final Script<Long> APPEND =
            Script.number(
                    STREAM
                            + """
                            local before = last and field(last, 'o') or ''
                            if last and not own(last) then
                              for w, f, number in string.gmatch(before, '([^/]+)/(%d+)=(%d+);') do
                                if w == writer and f == token then return -1 - number end
                              end
                              return 0
                            end
                            local first = tonumber(ARGV[7])
                            local number, place = -1, 1
                            if last then number, place = where(last) end
                            if last and first and (ARGV[4] == 'true' or first > number + 1) then
                              redis.call('DEL', key)
                            end
                            for i = 7, #ARGV, 3 do
                              if ARGV[i + 1] == 'END' and tonumber(ARGV[i]) == number then
                                place = place + 1
                              else
                                number, place = tonumber(ARGV[i]), 1
                              end
                              redis.call('XADD', key, ARGV[i] .. '-' .. place, 'w', writer,
                                'f', token, 'o', before, 'q', ARGV[6], 'k', ARGV[i + 1],
                                't', ARGV[i + 2])
                            end
                            redis.call('PEXPIRE', key, keep)
                            redis.call('XTRIM', key, 'MINID', ARGV[5])
                            return 1
                            """);

    /**
     * Goes on with a stream, if its last entry is {@code ARGV[4]}, or that is empty and the stream
     * has not ended.
     */
    static final Script<Long> TAKE =
            Script.number(
                    STREAM
                            + """
                            if not last then return 0 end
                            local kind = field(last, 'k')
                            local going_on = kind ~= 'LAST' and kind ~= 'END'
                            if last[1] ~= ARGV[4] and not (ARGV[4] == '' and going_on) then
                              return 0
                            end
                            local number, place = where(last)
                            local before = (field(last, 'o') or '') .. field(last, 'w') .. '/'
                              .. (field(last, 'f') or '0') .. '=' .. number .. ';'
                            while #before > 500 do before = string.gsub(before, '^.-;', '') end
                            redis.call('XADD', key, number .. '-' .. (place + 1), 'w', writer,
                              'f', token, 'o', before, 'q', field(last, 'q'), 'k', 'TAKEN', 't', '')
                            redis.call('PEXPIRE', key, keep)
                            return 1
                            """);

    private Scripts() {}
}
