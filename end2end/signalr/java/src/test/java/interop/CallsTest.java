package interop;

import static interop.Host.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionBuilder;
import com.microsoft.signalr.HubConnectionState;
import com.microsoft.signalr.HubException;
import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.subjects.PublishSubject;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The official Java client in JSON over its two transports. MessagePack is a package of its own, which
 * the registry of these tests does not have. A test named `limit...` shows what the client cannot do.
 */
class CallsTest {
    /** The two that the client has. */
    @ParameterizedTest(name = "{0}")
    @EnumSource(value = TransportEnum.class, names = {"WEBSOCKETS", "LONG_POLLING"})
    @java.lang.annotation.Retention(java.lang.annotation.RetentionPolicy.RUNTIME)
    @interface EachTransport {}

    /** What the host refuses, in bytes of one hub message without its separator. */
    private static final int LIMIT = 32 * 1024;

    private static Host host;
    private Wire wire;
    private HubConnection hub;
    private final BlockingQueue<String> ended = new LinkedBlockingQueue<>();

    @BeforeAll
    static void start() throws Exception {
        host = new Host();
    }

    @AfterAll
    static void stop() throws Exception {
        host.close();
    }

    private void connect(TransportEnum transport) throws Exception {
        wire = new Wire(host);
        hub = HubConnectionBuilder.create(wire.url + "/testhub").withTransport(transport).build();
        hub.onClosed(error -> ended.add(String.valueOf(error)));
        assertTrue(hub.start().blockingAwait(PATIENCE, TimeUnit.SECONDS), "it does not connect");
    }

    @AfterEach
    void end() throws Exception {
        hub.stop().blockingAwait(PATIENCE, TimeUnit.SECONDS);
        wire.close();
    }

    private <T> T invoke(Class<T> type, String method, Object... arguments) {
        return hub.invoke(type, method, arguments).timeout(PATIENCE, TimeUnit.SECONDS).blockingGet();
    }

    private List<String> stream(String method, Object... arguments) {
        return hub.stream(String.class, method, arguments).timeout(PATIENCE, TimeUnit.SECONDS).toList().blockingGet();
    }

    private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(PATIENCE, TimeUnit.SECONDS);
        assertNotNull(next, "nothing came");
        return next;
    }

    @EachTransport
    void invoke(TransportEnum transport) throws Exception {
        connect(transport);
        assertEquals("hello", invoke(String.class, "Echo", "hello"));
        assertEquals(hub.getConnectionId(), invoke(String.class, "GetCallerConnectionId"));
        String name = transport == TransportEnum.WEBSOCKETS ? "WebSockets" : "LongPolling";
        assertEquals(name, invoke(String.class, "GetActiveTransportName"));
        assertTrue(hub.invoke("InvokeWithString", "void").blockingAwait(PATIENCE, TimeUnit.SECONDS));
    }

    @EachTransport
    void invokeThatFails(TransportEnum transport) throws Exception {
        connect(transport);
        var error = assertThrows(HubException.class, () -> invoke(String.class, "ThrowException", "no"));
        assertEquals("An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperationException: no",
            error.getMessage());
        error = assertThrows(HubException.class, () -> invoke(String.class, "Nope"));
        assertTrue(error.getMessage().endsWith("Method does not exist."), error.getMessage());
    }

    @EachTransport
    void theServerCallsAHandler(TransportEnum transport) throws Exception {
        connect(transport);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        hub.on("Message", heard::add, String.class);
        hub.send("InvokeWithString", "hello");
        assertEquals("hello", next(heard));
    }

    @EachTransport
    void stream(TransportEnum transport) throws Exception {
        connect(transport);
        assertEquals(List.of("a", "b", "c"), stream("Stream"));
        assertEquals(List.of(), stream("EmptyStream"));
        var error = assertThrows(RuntimeException.class, () -> stream("StreamThrowException", "no"));
        assertTrue(error.getMessage().endsWith("InvalidOperationException: no"), error.getMessage());
    }

    @EachTransport
    void aStreamIsCancelled(TransportEnum transport) throws Exception {
        connect(transport);
        BlockingQueue<Boolean> cancelled = new LinkedBlockingQueue<>();
        hub.on("StreamCanceled", () -> cancelled.add(true));
        var stream = hub.stream(String.class, "InfiniteStream").subscribe();
        settle();
        stream.dispose();
        assertTrue(next(cancelled));
    }

    /** Over long polling the client sends its requests side by side, and one may overtake another. */
    private void settle() {
        assertEquals("settled", invoke(String.class, "Echo", "settled"));
    }

    @EachTransport
    void upload(TransportEnum transport) throws Exception {
        connect(transport);
        PublishSubject<String> parts = PublishSubject.create();
        Single<String> whole = upload(parts);
        for (String part : List.of("Hello ", "wörld", "!")) {
            parts.onNext(part);
            settle();
        }
        parts.onComplete();
        assertEquals("Hello wörld!", whole.timeout(PATIENCE, TimeUnit.SECONDS).blockingGet());
    }

    @EachTransport
    void uploadThatFails(TransportEnum transport) throws Exception {
        connect(transport);
        PublishSubject<String> parts = PublishSubject.create();
        Single<String> whole = upload(parts);
        parts.onError(new IllegalStateException("Something bad"));
        var error = assertThrows(HubException.class, () -> whole.timeout(PATIENCE, TimeUnit.SECONDS).blockingGet());
        assertTrue(error.getMessage().contains("Something bad"), error.getMessage());
    }

    private Single<String> upload(Observable<String> parts) {
        Single<String> whole = hub.invoke(String.class, "StreamingConcat", parts).cache();
        whole.subscribe(done -> {}, failed -> {});
        settle();
        return whole;
    }

    @EachTransport
    void clientResult(TransportEnum transport) throws Exception {
        connect(transport);
        String id = hub.getConnectionId();
        assertTrue(host.clientResult(id).contains("Client did not provide a result."), "no handler");
        var handler = hub.onWithResult("Result", () -> Single.just(42));
        assertEquals("42", host.clientResult(id));
        handler.unsubscribe();
        hub.onWithResult("Result", () -> Single.error(new IllegalStateException("not today")));
        assertTrue(host.clientResult(id).contains("not today"), "a handler that fails");
    }

    private static String filled(int bytes) {
        int around = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"\"]}".length();
        return "x".repeat(bytes - around);
    }

    @EachTransport
    void largeMessageAtTheLimit(TransportEnum transport) throws Exception {
        connect(transport);
        assertEquals(filled(LIMIT), invoke(String.class, "Echo", filled(LIMIT)));
    }

    @EachTransport
    void largeMessageOverTheLimitIsClosedWithTheReason(TransportEnum transport) throws Exception {
        connect(transport);
        assertThrows(RuntimeException.class, () -> invoke(String.class, "Echo", filled(LIMIT + 1)));
        String reason = next(ended);
        assertTrue(reason.contains("The maximum message size of 32768B was exceeded."), reason);
        // The server gave leave to come back, which the client takes no heed of.
        assertEquals(HubConnectionState.DISCONNECTED, hub.getConnectionState());
    }

    @EachTransport
    void unicode(TransportEnum transport) throws Exception {
        connect(transport);
        String text = "你好，世界！ ä😀 \u2028 \u001f \\ \" <'&> \0";
        assertEquals(text, invoke(String.class, "Echo", text));
    }

    /** As it goes over JSON: bytes in base64, a time as a string. Gson would write byte[] as numbers. */
    static final class Thing {
        String ByteArray, DateTime, GUID, String;
        int[] IntArray;
    }

    @EachTransport
    void binary(TransportEnum transport) throws Exception {
        connect(transport);
        Thing sent = invoke(Thing.class, "SendComplexObject");
        assertEquals("AQID 2000-01-01T00:00:00Z 00010203-0405-0607-0706-050403020100 hello world [1, 2, 3]", said(sent));
        assertEquals(said(sent), said(invoke(Thing.class, "EchoComplexObject", sent)));
    }

    private static String said(Thing thing) {
        String numbers = Arrays.toString(thing.IntArray);
        return String.join(" ", thing.ByteArray, thing.DateTime, thing.GUID, thing.String, numbers);
    }

    @EachTransport
    void limitALostConnectionStaysLost(TransportEnum transport) throws Exception {
        connect(transport);
        String first = hub.getConnectionId();
        wire.refuse();
        next(ended);
        wire.mend();
        assertEquals(HubConnectionState.DISCONNECTED, hub.getConnectionState());
        hub.start().blockingAwait(PATIENCE, TimeUnit.SECONDS);
        assertNotEquals(first, invoke(String.class, "GetCallerConnectionId"));
    }
}
