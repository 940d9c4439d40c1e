import time, os, signal, pytest
@pytest.mark.parametrize("n", range(3))
def test_x(database, agroal, n, pytestconfig):
    pool = agroal(database)
    with pool.connect() as c: assert c.execute("select 1").fetchone() == (1,)
    if os.environ.get("CRASH") == f"{__name__[-1]}{n}": os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("SLOW"): time.sleep(1)
