from django.urls import path

from webapp.accounts.views import entrance, keys, person, team

app_name = "accounts"
urlpatterns = [
    path("setup/<slug:secret>/", entrance.set_up, name="setup"),
    path("join/<slug:secret>/", entrance.join, name="join"),
    path("me/", person.account, name="account"),
    path("teams/new/", team.new_team, name="new_team"),
    path("t/<slug:team>/team/", team.team, name="team"),
    path("t/<slug:team>/team/people/", team.members, name="members"),
    path("t/<slug:team>/team/people/<slug:user_id>/role/", team.role, name="role"),
    path("t/<slug:team>/team/people/<slug:user_id>/remove/", team.remove, name="remove"),
    path("t/<slug:team>/team/invitations/<slug:invitation_id>/revoke/", team.revoke_invitation, name="uninvite"),
    path("t/<slug:team>/team/tokens/", keys.tokens, name="tokens"),
    path("t/<slug:team>/team/tokens/<slug:token_id>/revoke/", keys.revoke_token, name="revoke_token"),
    path("t/<slug:team>/team/record/", keys.record, name="audit"),
    path("t/<slug:team>/team/settings/", team.settings, name="settings"),
    path("t/<slug:team>/team/delete/", team.delete_team, name="delete_team"),
]
