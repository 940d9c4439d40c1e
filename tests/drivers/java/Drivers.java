import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.largeobject.*;

/** pgjdbc: prepared at once, savepoints around every statement, portals in pieces, large objects, batches, COPY. */
public class Drivers {
    interface Check {
        void run(Connection client) throws Exception;
    }

    static Connection connect(String... options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        for (String option : options) properties.setProperty(option.split("=")[0], option.split("=")[1]);
        String where = System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        return DriverManager.getConnection("jdbc:postgresql://" + where, properties);
    }

    static void check(String what, Check body, String... options) throws Exception {
        try (Connection client = connect(options)) {
            body.run(client);
        }
        System.out.println("ok " + what);
    }

    static void same(Object expected, Object found) {
        if (!Objects.deepEquals(expected, found)) throw new AssertionError("expected " + expected + ", found " + found);
    }

    static void fails(String state, Statement statement, String sql) {
        try {
            statement.execute(sql);
        } catch (SQLException error) {
            same(state, error.getSQLState());
            return;
        }
        throw new AssertionError(sql + " should have failed");
    }

    static Object one(Connection client, String sql) throws SQLException {
        try (Statement statement = client.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getObject(1);
        }
    }

    static void prepared(Connection client) throws SQLException {
        try (PreparedStatement first = client.prepareStatement("SELECT ?::int + 1, 'first'");
                PreparedStatement second = client.prepareStatement("SELECT ?::int + 2, 'second'")) {
            for (int n = 0; n < 50; n++) {
                for (PreparedStatement statement : List.of(first, second)) {
                    statement.setInt(1, n);
                    try (ResultSet rows = statement.executeQuery()) {
                        rows.next();
                        same(statement == first ? n + 1 : n + 2, rows.getInt(1));
                        same(statement == first ? "first" : "second", rows.getString(2));
                    }
                }
            }
        }
    }

    static void autosave(Connection client) throws SQLException {
        client.setAutoCommit(false);
        try (Statement statement = client.createStatement()) {
            statement.execute("CREATE TABLE java_saved (n int)");
            for (int n = 0; n < 10; n++) {
                statement.execute("INSERT INTO java_saved VALUES (" + n + ")");
                fails("22012", statement, "INSERT INTO java_saved SELECT 1 / 0");
            }
            client.commit();
            same(10L, one(client, "SELECT count(*) FROM java_saved"));
            statement.execute("DROP TABLE java_saved");
            client.commit();
        }
    }

    static void changing(Connection client) throws SQLException {
        client.setAutoCommit(false);
        try (Statement statement = client.createStatement();
                PreparedStatement all = client.prepareStatement("SELECT * FROM java_changing")) {
            statement.execute("CREATE TABLE java_changing (n int)");
            statement.execute("INSERT INTO java_changing VALUES (1)");
            for (int columns = 1; columns < 4; columns++) {
                try (ResultSet rows = all.executeQuery()) {
                    same(columns, rows.getMetaData().getColumnCount());
                }
                client.commit();
                statement.execute("ALTER TABLE java_changing ADD more" + columns + " text");
                client.commit();
            }
            statement.execute("DROP TABLE java_changing");
            client.commit();
        }
    }

    static void pieces(Connection client) throws SQLException {
        client.setAutoCommit(false);
        try (Statement statement = client.createStatement()) {
            statement.setFetchSize(10);
            try (ResultSet rows = statement.executeQuery("SELECT n FROM generate_series(1, 95) AS n")) {
                int expected = 0;
                while (rows.next()) {
                    same(++expected, rows.getInt(1));
                    if (expected % 30 == 0) same(expected, one(client, "SELECT " + expected));
                }
                same(95, expected);
            }
        }
        client.commit();
    }

    static void largeObjects(Connection client) throws SQLException {
        client.setAutoCommit(false);
        LargeObjectManager manager = client.unwrap(PGConnection.class).getLargeObjectAPI();
        byte[] content = new byte[200_000];
        new Random(1).nextBytes(content);
        long oid = manager.createLO();
        try (LargeObject large = manager.open(oid, LargeObjectManager.WRITE)) {
            large.write(content);
        }
        client.commit();
        try (LargeObject large = manager.open(oid, LargeObjectManager.READ)) {
            same(content, large.read(content.length));
            large.seek(1000);
            same(Arrays.copyOfRange(content, 1000, 1010), large.read(10));
        }
        manager.unlink(oid);
        client.commit();
    }

    static void batches(Connection client) throws SQLException {
        try (Statement statement = client.createStatement()) {
            statement.execute("CREATE TABLE java_batched (n int PRIMARY KEY, t text)");
            try (PreparedStatement insert = client.prepareStatement(
                    "INSERT INTO java_batched VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
                for (int n = 0; n < 500; n++) {
                    insert.setInt(1, n);
                    insert.setString(2, "t" + n);
                    insert.addBatch();
                }
                same(500, insert.executeBatch().length);
                insert.setInt(1, 0);
                insert.setString(2, "twice");
                insert.addBatch();
                try {
                    insert.executeBatch();
                    throw new AssertionError("a key that is there already should have failed");
                } catch (BatchUpdateException error) {
                    same("23505", error.getSQLState());
                }
            }
            same("t499", one(client, "SELECT t FROM java_batched WHERE n = 499"));
            statement.execute("DROP TABLE java_batched");
        }
    }

    static void copies(Connection client) throws Exception {
        try (Statement statement = client.createStatement()) {
            statement.execute("CREATE TABLE java_copied (n int, t text)");
            CopyManager copies = client.unwrap(PGConnection.class).getCopyAPI();
            StringBuilder lines = new StringBuilder();
            for (int n = 0; n < 2000; n++) lines.append(n).append("\tline ").append(n).append('\n');
            same(2000L, copies.copyIn("COPY java_copied FROM STDIN", new java.io.StringReader(lines.toString())));
            java.io.StringWriter out = new java.io.StringWriter();
            copies.copyOut("COPY (SELECT * FROM java_copied ORDER BY n) TO STDOUT", out);
            same(lines.toString(), out.toString());
            statement.execute("DROP TABLE java_copied");
        }
    }

    static void timeout(Connection client) throws SQLException {
        try (Statement statement = client.createStatement()) {
            statement.setQueryTimeout(1);
            fails("57014", statement, "SELECT pg_sleep(60)");
        }
        same(1, one(client, "SELECT 1"));
    }

    static void listens(Connection client) throws Exception {
        try (Statement statement = client.createStatement(); Connection speaker = connect()) {
            statement.execute("LISTEN java_news");
            try (Statement speaking = speaker.createStatement()) {
                speaking.execute("NOTIFY java_news, 'hello'");
            }
            PGNotification[] heard = client.unwrap(PGConnection.class).getNotifications(10_000);
            same("hello", heard[0].getParameter());
        }
    }

    static void readsOnly(Connection client) throws SQLException {
        client.setReadOnly(true);
        client.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        for (int n = 0; n < 20; n++) {
            same("serializable", one(client, "SHOW transaction_isolation"));
            try (Statement statement = client.createStatement()) {
                fails("25006", statement, "CREATE TABLE java_never (n int)");
            }
        }
        client.setReadOnly(false);
        try (Connection other = connect()) {
            for (int n = 0; n < 20; n++) same("read committed", one(other, "SHOW transaction_isolation"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        check("statements that the server prepares at once", Drivers::prepared, "prepareThreshold=1");
        check("a cache of statements that is too small", Drivers::prepared, "prepareThreshold=1", "preparedStatementCacheQueries=1");
        check("statements that are never prepared", Drivers::prepared, "prepareThreshold=0");
        check("simple queries", Drivers::prepared, "preferQueryMode=simple");
        check("a savepoint before every statement", Drivers::autosave, "autosave=always", "prepareThreshold=1");
        check("a table changes under a prepared statement", Drivers::changing, "autosave=conservative", "prepareThreshold=1");
        check("portals in pieces", Drivers::pieces, "prepareThreshold=1");
        check("large objects", Drivers::largeObjects);
        check("batches", Drivers::batches, "prepareThreshold=1");
        check("batches rewritten to one statement", Drivers::batches, "reWriteBatchedInserts=true");
        check("COPY in and out", Drivers::copies);
        check("a query that takes too long is cancelled", Drivers::timeout);
        check("LISTEN", Drivers::listens);
        check("read-only and serializable", Drivers::readsOnly, "readOnlyMode=always");
    }
}
