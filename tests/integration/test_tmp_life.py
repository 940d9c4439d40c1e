import psycopg, pytest, time
def test_life(pg):
    c = pg.connect(pg.database.scram, database=pg.database.name)
    t=time.time()
    with pg.stopped():
        with pytest.raises(psycopg.OperationalError): c.execute("select 1")
        assert not pg.is_ready()
    print("stop/start", time.time()-t); t=time.time()
    c.close()
    assert pg.query("select 1") == [(1,)]
    pg.kill(); pg.start()
    print("kill/start", time.time()-t); t=time.time()
    with pg.paused():
        with pytest.raises(psycopg.OperationalError): pg.connect(connect_timeout=2)
    print("pause", time.time()-t); t=time.time()
    pg.kill()
def test_after(pg):
    assert pg.is_ready()
    r = pg.database.role("trusted", groups=["let_in"])
    with psycopg.connect(host=pg.host, port=pg.port, user=r.name, dbname=pg.database.name) as c: assert c.execute("select 1").fetchone()==(1,)
    c.close()
    pg.pause()
def test_local(local_postgres):
    p=local_postgres
    with psycopg.connect(host=p.socket_dir, port=p.port, user=p.database.md5.name, password=p.database.md5.password, dbname=p.database.name) as c: assert len(p.activity(p.database.name))==1
    c.close()
