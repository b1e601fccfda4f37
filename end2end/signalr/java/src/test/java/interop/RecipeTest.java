package interop;

import static interop.Host.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionState;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The recipe for Java as docs/clients/java.md prints it, compiled and run: the client cannot
 * reconnect, so the loop that does is part of the recipe.
 */
public class RecipeTest {
    /** What was shown and hidden, in its order. */
    private static final BlockingQueue<String> SCREEN = new LinkedBlockingQueue<>();

    /** Called by the class below. */
    public static void shown(String id) {
        SCREEN.add("shown " + id);
    }

    /** Called by the class below. */
    public static void hidden(String[] ids) {
        SCREEN.add("hidden " + String.join(", ", ids));
    }

    private static final String READER = "\npublic final class Reader extends Bell {\n"
        + "    String freshToken() { return \"a-token\"; }\n"
        + "    void show(Item item) { interop.RecipeTest.shown(item.notificationId); }\n"
        + "    void hide(String[] ids) { interop.RecipeTest.hidden(ids); }\n"
        + "}\n";

    @TempDir
    Path folder;

    @Test
    void recipeShowsOnceHidesWhatIsTakenBackAcknowledgesEachTimeAndComesBack() throws Exception {
        try (Host host = new Host(); Wire wire = new Wire(host)) {
            // The host's own words for what Bellhop's hub has: the server calls back with what it is sent.
            Object reader = compiled(Map.of(
                "https://bell.example/hubs/workflow?device=phone-1&methods=notification", wire.url + "/testhub",
                "\"Notification\"", "\"CustomObject\"",
                "AcknowledgeNotification", "InvokeWithString"));
            Class<?> bell = reader.getClass().getSuperclass();
            Field field = bell.getDeclaredField("hub");
            field.setAccessible(true);
            HubConnection hub = (HubConnection) field.get(reader);
            BlockingQueue<String> acknowledged = new LinkedBlockingQueue<>();
            hub.on("Message", acknowledged::add, String.class);
            Thread loop = stayConnected(bell, reader);

            receive(hub, acknowledged, "1");
            receive(hub, acknowledged, "1"); // as after a lost ack
            String first = hub.getConnectionId();
            wire.refuse();
            await(() -> hub.getConnectionState() == HubConnectionState.DISCONNECTED);
            wire.mend();
            await(() -> hub.getConnectionState() == HubConnectionState.CONNECTED);
            assertTrue(!first.equals(hub.getConnectionId()), "it is a new connection");
            receive(hub, acknowledged, "1");
            receive(hub, acknowledged, "2");
            assertEquals("shown 1", SCREEN.poll());
            assertEquals("shown 2", SCREEN.poll());
            assertEquals(null, SCREEN.poll());

            // As the hub sends it: an item of its own, whose id is nobody's card.
            hub.send("SendCustomObject", Map.of("notificationId", "w", "kind", "NotificationWithdrawn", "title", "",
                "ids", List.of("1", "never shown"), "reason", "cancelled"));
            receive(hub, acknowledged, "3"); // the next ack is of this one: a withdrawal is not acknowledged
            assertEquals("hidden 1, never shown", SCREEN.poll());
            assertEquals("shown 3", SCREEN.poll());
            assertEquals(null, SCREEN.poll());

            loop.interrupt();
            loop.join();
            hub.stop().blockingAwait(PATIENCE, TimeUnit.SECONDS);
        }
    }

    private static void receive(HubConnection hub, BlockingQueue<String> acknowledged, String id) throws Exception {
        await(() -> hub.getConnectionState() == HubConnectionState.CONNECTED);
        hub.send("SendCustomObject", Map.of("notificationId", id, "kind", "NewTask", "title", "ä"));
        assertEquals(id, acknowledged.poll(PATIENCE, TimeUnit.SECONDS));
    }

    private static Thread stayConnected(Class<?> bell, Object reader) throws Exception {
        Method method = bell.getDeclaredMethod("stayConnected");
        method.setAccessible(true);
        Thread loop = new Thread(() -> {
            try {
                method.invoke(reader);
            } catch (ReflectiveOperationException interrupted) {
                // The test is over.
            }
        });
        loop.setDaemon(true);
        loop.start();
        return loop;
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < end, "it does not come");
            Thread.sleep(10);
        }
    }

    /** The recipe with each key replaced by its value, compiled, and one of it made. */
    private Object compiled(Map<String, String> changes) throws Exception {
        Path page = Path.of(System.getProperty("user.dir")).resolve("../../../docs/clients/java.md");
        var block = Pattern.compile("^```java\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL).matcher(Files.readString(page));
        assertTrue(block.find(), "the page has no recipe for Java any more");
        String code = block.group(1);
        for (var change : changes.entrySet()) {
            assertTrue(code.contains(change.getKey()), "the recipe has no " + change.getKey() + " any more");
            code = code.replace(change.getKey(), change.getValue());
        }
        Path source = Files.writeString(folder.resolve("Reader.java"), code + READER);
        var compiler = ToolProvider.getSystemJavaCompiler();
        assertNotNull(compiler, "a JDK is needed");
        String classes = System.getProperty("java.class.path");
        assertEquals(0, compiler.run(null, null, null, "-cp", classes, "-d", folder.toString(), source.toString()));
        var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, RecipeTest.class.getClassLoader());
        Constructor<?> make = loader.loadClass("Reader").getDeclaredConstructor();
        make.setAccessible(true);
        return make.newInstance();
    }
}
