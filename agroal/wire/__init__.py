"""The PostgreSQL frontend/backend protocol, version 3, without a socket in sight (manual, part “Frontend/Backend
Protocol”).
"""
