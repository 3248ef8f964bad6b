"""What the test asks of the app in docs/recipes.md, which stands before this when it is run."""


@app.route("/")
def home():
    return {"person": session.get("person"), "claims": session.get("claims")}


@app.route("/later")
def later():
    """Authlib asks for a new token by itself once the one that it has is over."""
    before = {**session["token"], "expires_at": 1}
    person = oauth.latchkey.userinfo(token=before)
    return {"person": person, "renewed": session["token"]["refresh_token"] != before["refresh_token"]}


app.run(port=PORT)
