"""A small web app on Flask and Authlib, as Authlib's documentation has it. The environment says where it is and who it is."""

import os

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for

app = Flask(__name__)
app.secret_key = os.urandom(32)



def keep(token, **_):
    session["token"] = {name: value for name, value in token.items() if name != "userinfo"}


oauth = OAuth(app, update_token=lambda name, token, **_: keep(token))
oauth.register(
    "latchkey",
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile email offline_access", "code_challenge_method": "S256"},
)


@app.route("/")
def home():
    return {"person": session.get("person")}


@app.route("/login")
def login():
    return oauth.latchkey.authorize_redirect(url_for("callback", _external=True))


@app.route("/callback")
def callback():
    try:
        token = oauth.latchkey.authorize_access_token()
    except OAuthError as problem:
        return {"error": problem.error}, 400
    keep(token)
    session["person"] = {**oauth.latchkey.userinfo(token=token), "signed_in": token["userinfo"]}
    return redirect("/")


@app.route("/later")
def later():
    """Authlib asks for a new token by itself once the one that it has is over."""
    before = {**session["token"], "expires_at": 1}
    person = oauth.latchkey.userinfo(token=before)
    renewed = session["token"]["refresh_token"] != before["refresh_token"]
    return {"person": person, "renewed": renewed}


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
